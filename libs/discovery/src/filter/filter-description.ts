/** What callers may write as `filter`; part of the published contract. */
export const FILTER_DESCRIPTION = `An expression that selects instances, in the language that Consul users know: \`service == "orders" and (metadata.cores >= 8 or tags.tier != "free")\`. All other filters must hold too, and so must \`status\`, with its default.

- Selectors: \`namespace\`, \`service\`, \`instanceId\`, \`incarnation\`, \`incarnationNumber\`, \`type\`, \`scheme\`, \`status\`, \`host\`, \`port\`, \`zone\`, \`weight\`; \`metadata.a.b\` or \`metadata["a b"]\`; \`tags.key\` (\`metadata.tags.key\`); \`capabilities\` (\`metadata.capabilities\`). Keys lead through objects only, not through arrays.
- Values: text in double quotes with the escapes of JSON, or raw in backquotes; numbers; \`true\`, \`false\`, \`null\`.
- \`==\`, \`!=\`, \`in [1, 2]\`, \`not in […]\`: the same type and value; 1 equals 1.0, and nothing but null equals null.
- \`<\`, \`<=\`, \`>\`, \`>=\`: numbers with numbers, texts with texts by code point; nothing else has an order.
- \`x contains "y"\`, \`"y" in x\`, and both with \`not\`: an array has this element, a text this part, an object this key.
- \`matches\`, \`not matches\`: a part of a text (of its first 256 characters) is what an RE2 pattern describes; \`^\` and \`$\` anchor it.
- \`is empty\`, \`is not empty\`: absent, null, \`""\`, \`[]\` or \`{}\`.
- \`not\` binds closer than \`and\`, \`and\` closer than \`or\`; parentheses.

What is absent, or of another type, makes every comparison false but \`is empty\`; \`!=\`, and whatever has a \`not\`, is the exact opposite, so \`metadata.a != 1\` holds where there is no such key. 2,000 characters, 100 comparisons, 5 patterns of 200 characters, 20 levels of parentheses at most.`;
