import { posix } from 'node:path';

export interface Page {
  path: string;
  text: string;
}

/** What a page points to: `[words](target)`, or a name in backquotes. */
const LINK = /\]\(([^)\s]+)\)/g;
const QUOTED = /`([^`\s]+)`/g;
/** A file of the sources, with as much of its path as tells it apart. */
const SOURCE = /^[\w./{},-]+\.(?:ts|tsx|mjs|sql|md)$/;
/** A path from the top of the repository. */
const FROM_TOP = /^(?:apps|packages|docs|tests|tools)\/[\w./{},-]+$/;

/**
 * Names what pages point to and is not there: files and headings of relative links, and source
 * files and folders that are named in the text.
 * @param paths every file of the repository, from its top
 */
export function brokenReferences(pages: readonly Page[], paths: readonly string[]): string[] {
  const places = new Set(paths.flatMap(placesOf));
  const ends = new Set(paths.flatMap(endsOf));
  const headings = new Map(pages.map(({ path, text }) => [path, headingsOf(text)]));
  return pages.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => {
      const links = [...line.matchAll(LINK)].map(([, target = '']) => target);
      const named = [...line.matchAll(QUOTED)].flatMap(([, name = '']) => unfold(name));
      return [
        ...links.filter((target) => !leads(path, target)),
        ...named.filter((name) => SOURCE.test(name) && !ends.has(fromHere(path, name))),
        ...named.filter((name) => FROM_TOP.test(name) && !places.has(name.replace(/\/$/, ''))),
      ].map((broken) => `${path}:${i + 1}: ${broken}`);
    }),
  );

  function leads(from: string, target: string): boolean {
    if (/^[a-z]+:/.test(target)) return true;
    const [file = '', heading] = target.split('#');
    const to = file === '' ? from : posix.join(posix.dirname(from), file).replace(/\/$/, '');
    return places.has(to) && (heading === undefined || headings.get(to)?.has(heading) === true);
  }
}

/** "../x.ts" goes from the page; everything else has no place to go from. */
function fromHere(page: string, name: string): string {
  return name.startsWith('.') ? posix.join(posix.dirname(page), name) : name;
}

/** "a/{b,c}.ts" names two. */
function unfold(name: string): string[] {
  const found = /^(.*?)\{([^{}]*)\}(.*)$/.exec(name);
  if (found === null) return [name];
  const [, before = '', inside = '', after = ''] = found;
  return inside.split(',').flatMap((each) => unfold(before + each + after));
}

/** A file and the folders it is in. */
function placesOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** A file by its name alone, with its folder, and so on up to its whole path. */
function endsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, i) => parts.slice(i).join('/'));
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
