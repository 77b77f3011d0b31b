export default {
  roots: ["<rootDir>/packages", "<rootDir>/examples"],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "@pullback/compiler-plugin/jest" },
  testEnvironmentOptions: { customExportConditions: ["node", "node-addons", "@pullback/source"] },
  modulePathIgnorePatterns: ["/dist/"],
  maxWorkers: 2,
};
