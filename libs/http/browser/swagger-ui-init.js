// Starts Swagger UI on /docs. Everything is found from where this script is, so the page works behind a path prefix.
const docs = new URL('.', document.currentScript.src);
const service = new URL('..', docs);

/** Swagger UI itself looks at names of tags alone. */
const findOperations = () => ({
  fn: {
    opsFilter: (tags, phrase) => {
      const words = phrase.toLowerCase().split(/\s+/);
      const matches = (tag, operation) => {
        const details = operation.get('operation');
        const text = [tag, operation.get('method'), operation.get('path'), details.get('summary')]
          .concat(details.get('operationId'))
          .join(' ')
          .toLowerCase();
        return words.every(word => text.includes(word));
      };
      return tags
        .map((group, tag) => group.update('operations', all => all.filter(operation => matches(tag, operation))))
        .filter(group => group.get('operations').size > 0);
    },
  },
});

/** An error is a line with its codes, which opens; each code has a page with an example. */
const shortErrors = () => ({
  wrapComponents: {
    response: (Response, { React, getComponent }) => {
      const element = React.createElement;
      const linkTo = code =>
        element('a', { key: code, href: new URL(`errors/${code}`, docs).href }, element('code', null, code));
      return props => {
        const examples = props.response.getIn(['content', 'application/problem+json', 'examples']);
        if (!examples) return element(Response, props);
        const Markdown = getComponent('Markdown', true);
        return element(
          'tr',
          { className: 'response error-response', 'data-code': props.code },
          element('td', { className: 'response-col_status' }, props.code),
          element(
            'td',
            { className: 'response-col_description' },
            element(
              'details',
              null,
              element('summary', null, examples.keySeq().map(linkTo).toArray()),
              element(Markdown, { source: props.response.get('description') }),
            ),
          ),
        );
      };
    },
  },
});

const nameFilter = () => {
  const filter = document.querySelector('.operation-filter-input');
  if (filter) filter.placeholder = 'Filter by path, name or tag';
  filter?.setAttribute('aria-label', 'Filter operations');
};

const show = spec => {
  window.ui = SwaggerUIBundle({
    // Requests go where the page came from, whatever URL the document tells to others.
    spec: { ...spec, servers: [{ url: service.href, description: 'Where this page comes from' }] },
    dom_id: '#swagger-ui',
    layout: 'BaseLayout',
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [findOperations, shortErrors],
    validatorUrl: null,
    deepLinking: true,
    filter: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    onComplete: nameFilter,
  });
};

const read = async () => {
  const answer = await fetch(new URL('openapi.json', service));
  if (!answer.ok) throw new Error(`openapi.json answered ${answer.status}`);
  show(await answer.json());
};

read().catch(error => {
  document.getElementById('swagger-ui').textContent = `The API cannot be shown: ${error.message}. Load the page again.`;
});
