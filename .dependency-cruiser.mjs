// The import rules of ARCHITECTURE.md. Tests and their fixtures may reach further: they are no part
// of the product.
const modules = '(receiving|accounting|compliance|paying|settling|tenancy|telling|compat)';
const server = '^apps/server/src';
const ownPackages = 'packages|apps|bench|tests|tools';
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    rule(
      'no-cycles',
      'A cycle makes two modules one. Types alone may refer to each other: they are gone at run time.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule(
      'resolvable',
      'An import that is not found would escape all other rules.',
      {},
      { couldNotResolve: true },
    ),
    rule(
      'kernel-imports-nothing',
      'The kernel stands alone.',
      { path: '^packages/kernel/src' },
      { pathNot: '^packages/kernel/src' },
    ),
    rule(
      'bitcoin-and-contract-import-kernel',
      'Pure packages: the kernel and their own npm packages, no other of ours, no I/O.',
      { path: '^packages/(bitcoin|contract)/src' },
      {
        path: `^(${ownPackages})/`,
        pathNot: ['^packages/kernel/src', '^packages/$1/src', 'node_modules'],
      },
    ),
    rule(
      'client-stands-alone',
      'The published SDK brings nothing of the server with it.',
      { path: '^packages/client/src' },
      { path: `^(${ownPackages})/`, pathNot: ['^packages/(client|contract|kernel)/src', 'node_modules'] },
    ),
    rule(
      'packages-import-no-app',
      'Packages are below the apps.',
      { path: '^packages/' },
      { path: '^(apps|bench|tests|tools)/', pathNot: 'node_modules' },
    ),
    rule(
      'checkout-imports-contract-and-kernel',
      'The web page has the contract in common with the server, not its code.',
      { path: '^apps/checkout/src' },
      {
        path: `^(${ownPackages})/`,
        pathNot: ['^packages/(contract|kernel)/src', '^apps/checkout/', 'node_modules'],
      },
    ),
    rule(
      'signer-stands-alone',
      'The process with the keys has the fewest parts: the kernel, descriptors, and cryptography.',
      { path: '^apps/signer/src' },
      {
        path: `^(${ownPackages})/`,
        pathNot: ['^packages/(bitcoin|kernel)/src', '^apps/signer/', 'node_modules'],
      },
    ),
    rule(
      'keys-stay-in-the-signer',
      'Others talk to the signer; the code that reads a vault is loaded in its own process only.',
      { path: '^(apps|packages|bench|tests|tools)/', pathNot: '^apps/signer/' },
      { path: '^apps/signer/src/', pathNot: '^apps/signer/src/(client|faults|protocol|testing|cli)\\.ts$' },
    ),
    rule(
      'client-loads-no-key-code',
      'What the server loads of the signer can not even read a vault.',
      { path: '^apps/signer/src/(client|protocol|approval|refusals)\\.ts$' },
      {
        path: '^apps/signer/src/',
        pathNot: '^apps/signer/src/(client|protocol|approval|refusals)\\.ts$',
      },
    ),
    rule(
      'lightning-node-stands-alone',
      'The embedded Lightning node has keys of its own: it shares the packages and nothing else.',
      { path: '^apps/lightning-node/src' },
      {
        path: `^(${ownPackages})/`,
        pathNot: ['^packages/(bitcoin|kernel)/src', '^apps/lightning-node/', 'node_modules'],
      },
    ),
    rule(
      'lightning-library-stays-in-its-process',
      'A trap in it ends the process: others talk to it over its socket.',
      { path: '^(apps|packages|bench|tests|tools)/', pathNot: '^apps/lightning-node/' },
      {
        path: ['^apps/lightning-node/src/', 'node_modules/lightningdevkit/'],
        pathNot: '^apps/lightning-node/src/(client|protocol)\\.ts$',
      },
    ),
    rule(
      'platform-imports-no-module',
      'The platform knows nothing of the business.',
      { path: `${server}/platform/` },
      { path: [`${server}/${modules}/`, `${server}/wiring/`, `${server}/processes/`] },
    ),
    rule(
      'modules-know-no-wiring',
      'A module is given what it needs by whoever puts the modules together.',
      { path: `${server}/${modules}/` },
      { path: `${server}/wiring/` },
    ),
    rule(
      'every-file-has-a-room',
      'The command line stands at the door; everything else is in the folder of its kind.',
      { path: `${server}/[^/]+\\.ts$`, pathNot: `${server}/cli\\.ts$` },
      {},
    ),
    rule(
      'modules-meet-at-the-front-door',
      'Another module is reached through its index.ts only.',
      { path: `${server}/${modules}/([^/]+)/` },
      {
        path: `${server}/${modules}/[^/]+/.+`,
        pathNot: [`${server}/$1/$2/`, `${server}/${modules}/[^/]+/index\\.ts$`],
      },
    ),
    rule(
      'others-use-the-front-door',
      'The wiring too enters a module by its index.ts.',
      { path: '^(apps|bench|tools)/', pathNot: `${server}/${modules}/` },
      {
        path: `${server}/${modules}/[^/]+/.+`,
        pathNot: `${server}/${modules}/[^/]+/index\\.ts$`,
      },
    ),
    rule(
      'ledger-is-a-leaf',
      'Everything posts to the ledger; the ledger depends on the platform, the kernel and the contract only.',
      { path: `${server}/accounting/ledger/` },
      {
        path: `^(${ownPackages})/`,
        pathNot: [
          `${server}/accounting/ledger/`,
          `${server}/platform/`,
          '^packages/(kernel|contract)/src',
          'node_modules',
        ],
      },
    ),
    rule(
      'processes-are-the-roots',
      'Only the command line starts processes.',
      { path: `${server}/`, pathNot: [`${server}/processes/`, `${server}/cli\\.ts$`] },
      { path: `${server}/processes/` },
    ),
  ],
  options: {
    parser: 'swc',
    // A type is a dependency too.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['\\.test\\.tsx?$', '/fixtures/', '/dist/', '\\.quittance/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
    },
  },
};
