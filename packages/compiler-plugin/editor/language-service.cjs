// What `"plugins": [{ "name": "@pullback/compiler-plugin" }]` in tsconfig.json loads: editors' TypeScript servers take
// CommonJS, by the package's `main`.
module.exports = ({ typescript }) => ({
  create: (info) => require("../dist/hosts/editor.js").create(typescript, info),
});
