// Lua files are bundled as text: tsup's loader does it for the package, a plugin in vitest.config.ts for the tests.

declare module "*.lua" {
  const text: string;
  export default text;
}
