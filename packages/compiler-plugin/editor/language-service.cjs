// What `"plugins": [{ "name": "@pullback/compiler-plugin" }]` in tsconfig.json loads: editors' TypeScript servers take
// CommonJS, by the package's `main`.
const { join } = require("node:path");

module.exports = ({ typescript }) => ({
  create: (info) => require(join(__dirname, "..", "dist", "hosts", "editor.js")).create(typescript, info),
});
