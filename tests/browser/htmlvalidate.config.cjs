// Rules for the page: all that html-validate recommends. Two are bounded otherwise, two are off.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // A drawing names its font and ink at its root, where it can be a file of its own as well. The
    // parts of a bar in a table have the widths of its figures.
    "no-inline-style": [
      "error",
      { allowedProperties: ["font", "font-family", "fill", "stroke-linejoin", "flex"] },
    ],
    // The title has the name of the host: up to 64 characters, of which each can be an entity.
    "long-title": ["error", { maxlength: 400 }],
    // Style of sources. Where a template has nothing to add to a line, the space before it stays.
    "no-trailing-whitespace": "off",
    // A form with a button to send it: the chooser's acts at each change, and nothing is sent.
    "wcag/h32": "off",
  },
};
