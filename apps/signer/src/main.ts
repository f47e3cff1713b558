import { runSigner } from './cli.ts';

// What the launcher starts: this process loads nothing of the server.
process.exitCode = await runSigner(process.argv.slice(2));
