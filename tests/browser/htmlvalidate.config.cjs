// Rules for the page: all that html-validate recommends, but those named here.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {},
};
