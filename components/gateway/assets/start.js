// Starts GraphiQL on the endpoint that served it.
const ask = GraphiQL.createFetcher({ url: location.pathname });

const watches = ({ operationName }, { documentAST } = {}) =>
  documentAST?.definitions.some(
    ({ kind, operation, name }) =>
      kind === "OperationDefinition" && operation === "subscription" && (!operationName || name?.value === operationName),
  );

// Reads events, and comes again with the last id where a connection ends.
async function follow(parameters, headers, observer, signal) {
  for (let last = ""; ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    signal.throwIfAborted();
    const response = await fetch(location.pathname, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", accept: "text/event-stream", "last-event-id": last },
      body: JSON.stringify(parameters),
      signal,
    });
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      observer.next(await response.json());
      return observer.complete();
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: ?(.*)/s)));
        last = fields.id ?? last;
        if (fields.event === "complete") return observer.complete();
        if (fields.event === "next") observer.next(JSON.parse(fields.data));
      }
    }
  }
}

const watch = (parameters, { headers } = {}) => ({
  subscribe(observer) {
    const stop = new AbortController();
    follow(parameters, headers, observer, stop.signal).catch((error) => stop.signal.aborted || observer.error(error));
    return { unsubscribe: () => stop.abort() };
  },
});

const fetcher = (parameters, options) => (watches(parameters, options) ? watch : ask)(parameters, options);
const defaultQuery = `# Products, and what they cost in minor units (cents).
#
# To register, order, or keep the shop, set a header below:
#   { "Authorization": "Bearer <access_token>" }  or  { "x-api-key": "<API_SECRET>" }
#
# To watch: subscription { productChanged { _id name price quantity } }

{
  products {
    _id
    name
    price
    quantity
  }
}
`;
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery, defaultEditorToolsVisibility: "headers", shouldPersistHeaders: false }),
);
