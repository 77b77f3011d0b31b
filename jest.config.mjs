export default {
  roots: ["<rootDir>/packages", "<rootDir>/examples"],
  // These need the compiler end to end (docs/status.md): they join when its switch goes.
  testPathIgnorePatterns: [
    "/node_modules/",
    "/compiler-plugin/src/language/",
    "/compiler-plugin/src/(cli/end-to-end|hosts/node\\.test)",
    "/models/src/gemma/(sizes|loading|gradients|golden|generate)\\.test",
  ],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "@pullback/compiler-plugin/jest" },
  testEnvironmentOptions: { customExportConditions: ["node", "node-addons", "@pullback/source"] },
  modulePathIgnorePatterns: ["/dist/"],
  maxWorkers: 2,
};
