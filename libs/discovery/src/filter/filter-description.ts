/** The syntax of the parameter `filter`; part of the published contract. */
export const FILTER_DESCRIPTION = `An expression that selects instances, in a language like that of Consul: \`service == "orders" and (metadata.cores >= 8 or tags.tier != "free")\`. All other filters apply as well, including \`status\` with its default.

- Selectors: \`namespace\`, \`service\`, \`instanceId\`, \`incarnation\`, \`incarnationNumber\`, \`type\`, \`scheme\`, \`status\`, \`host\`, \`port\`, \`zone\`, \`weight\`; \`metadata.a.b\` or \`metadata["a b"]\`; \`tags.key\` (\`metadata.tags.key\`); \`capabilities\` (\`metadata.capabilities\`). Keys select members of objects only, not elements of arrays.
- Values: text in double quotes with the escapes of JSON, or raw in backquotes; numbers; \`true\`, \`false\`, \`null\`.
- \`==\`, \`!=\`, \`in [1, 2]\`, \`not in […]\`: equal in type and value; 1 equals 1.0, and only null equals null.
- \`<\`, \`<=\`, \`>\`, \`>=\`: numbers with numbers, texts with texts by code points; other values have no order.
- \`x contains "y"\`, \`"y" in x\`, and both with \`not\`: an array contains this element, a text this part, an object this key.
- \`matches\`, \`not matches\`: a part of a text (of its first 256 characters) matches an RE2 pattern; \`^\` and \`$\` anchor it.
- \`is empty\`, \`is not empty\`: absent, null, \`""\`, \`[]\` or \`{}\`.
- \`not\` binds more tightly than \`and\`, \`and\` more tightly than \`or\`; use parentheses to group.

A comparison with a missing value, or one of another type, is false, except \`is empty\`. \`!=\` and every operator with \`not\` is the exact opposite, so \`metadata.a != 1\` is true where there is no such key. The limits are 2,000 characters, 100 comparisons, 5 patterns of 200 characters and 20 levels of parentheses.`;
