// Reads the lines that generate.py writes, and adds the text that libmime reads
// in each value.
const libmime = require("libmime");
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [kind, value, python] = JSON.parse(line);
  // A header reaches the library as octets, of which it takes UTF-8 for text.
  const octets = Buffer.from(value.replace(/\r\n/g, ""), "latin1");
  const text = octets.toString("utf8");
  console.log(JSON.stringify({ kind, value, python, javascript: [libmime.decodeWords(text)] }));
});
