import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Worker<Job, Done> = { run(job: Job): Promise<Done>; stop(): Promise<void> };

/** A process of its own that does one job at a time: its work does not slow the bench's timing. */
export function startWorker<Job extends object, Done>(
  file: string,
  nodeArgs: readonly string[] = [],
): Worker<Job, Done> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...nodeArgs],
  });
  return {
    run(job) {
      return new Promise((resolve, reject) => {
        const failed = () => reject(new Error(`${file} ended before its job was done`));
        child.once('exit', failed);
        child.once('message', (done) => {
          child.off('exit', failed);
          // The worker's file exports the types of its jobs and answers.
          resolve(done as Done);
        });
        child.send(job);
      });
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.send('stop');
      await ended;
    },
  };
}

/** The worker's side: answers each job. Any failure ends the process, which its parent notices. */
export function serveJobs<Job, Done>(work: (job: Job) => Promise<Done>): void {
  process.on('message', (message) => {
    if (message === 'stop') process.exit(0);
    // The parent's types name the same job and answer.
    work(message as Job).then(
      (done) => process.send?.(done),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
