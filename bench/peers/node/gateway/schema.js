export const typeDefs = `#graphql
  type Query {
    me: User
    users: [User]
    user(id: ID!): User
    "The first 1,000 products, oldest first."
    products: [Product]
    product(id: ID!): Product
    productConnection(first: Int = 20, after: String, filter: ProductFilter): ProductConnection
    cart: Cart
    "The caller's orders, newest first, at most 1,000. With the API key: all orders."
    orders: [Order]
    order(id: ID!): Order
    orderConnection(first: Int = 20, after: String): OrderConnection
  }

  type Mutation {
    registerUser(input: RegisterUserInput): RegisterUserResult
    login(input: LoginInput!): RegisterUserResult
    createProduct(input: CreateProductInput): Product
    addToCart(productId: ID!, quantity: Int! = 1): Cart
    placeOrder(products: [OrderProductInput]): Order
  }

  input RegisterUserInput { username: String! password: String! }
  input LoginInput { username: String! password: String! }
  input CreateProductInput { name: String! price: Int! quantity: Int! description: String }
  input OrderProductInput { _id: String! quantity: Int! }
  input ProductFilter { search: String }

  type RegisterUserResult { access_token: String! user: User! }
  type User { _id: ID! id: ID! username: String! role: String! createdAt: String! }

  type Product {
    _id: ID!
    id: ID!
    name: String!
    "In minor units (cents)."
    price: Int!
    currency: String!
    quantity: Int!
    description: String
    "Requires the API key."
    stock: Stock
  }
  type Stock { received: Int! onHand: Int! reserved: Int! sold: Int! }

  type PageInfo { hasPreviousPage: Boolean! hasNextPage: Boolean! startCursor: String endCursor: String }
  type ProductConnection { pageInfo: PageInfo! edges: [ProductEdge!]! nodes: [Product!]! totalCount: Int }
  type ProductEdge { node: Product! cursor: String! }
  type OrderConnection { pageInfo: PageInfo! edges: [OrderEdge!]! nodes: [Order!]! totalCount: Int }
  type OrderEdge { node: Order! cursor: String! }

  type Cart {
    _id: ID
    id: ID!
    userId: ID
    total: Int
    currency: String
    lines: [CartLine!]!
    products: [CartProduct!]!
  }
  type CartLine {
    id: ID!
    productId: ID!
    quantity: Int!
    name: String!
    unitPrice: Int
    currency: String
    total: Int
    available: Int!
    product: Product
  }
  type CartProduct {
    _id: ID!
    quantity: Int!
    name: String!
    unitPrice: Int
    currency: String
    total: Int
    available: Int!
    product: Product
  }

  type Order {
    _id: ID!
    id: ID!
    userId: ID!
    status: String!
    subtotal: Int!
    total: Int!
    currency: String!
    createdAt: String!
    lines: [OrderLine!]!
    products: [OrderProduct]
  }
  type OrderLine {
    id: ID!
    productId: ID!
    name: String!
    quantity: Int!
    unitPrice: Int!
    subtotal: Int!
    total: Int!
    currency: String!
    product: Product
  }
  type OrderProduct {
    _id: ID!
    name: String!
    quantity: Int!
    unitPrice: Int!
    subtotal: Int!
    total: Int!
    product: Product
  }
`;
