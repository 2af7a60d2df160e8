// Starts GraphiQL on the endpoint that served it.
const fetcher = GraphiQL.createFetcher({ url: location.pathname });
const defaultQuery = `# Products, and what they cost in minor units (cents).
#
# To register, order, or keep the shop, set a header below:
#   { "Authorization": "Bearer <access_token>" }  or  { "x-api-key": "<API_SECRET>" }

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
