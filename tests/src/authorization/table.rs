//! The rows: every operation of the schema, and what each caller gets.

/// What a caller gets.
#[derive(Clone, Copy, Debug)]
pub enum Gets {
    /// The operation's result.
    It,
    /// UNAUTHENTICATED, and null.
    Unauthenticated,
    /// FORBIDDEN, and null.
    Forbidden,
    /// One of the two.
    Refused,
    /// BAD_USER_INPUT, and null: it may be asked for, but not with what only another one knows.
    Heard,
    /// NOT_FOUND, and null: it may be asked for, and there is no such thing.
    Missing,
}
use Gets::{Forbidden, Heard, It, Missing, Refused, Unauthenticated};

/// What each caller gets: without proof, the owner, another customer, an administrator's token, the API key, a wrong key
/// and an expired token.
pub type Columns = [Gets; 7];

const EVERYBODY: Columns = [It; 7];
const STAFF: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    It,
    It,
    Unauthenticated,
    Unauthenticated,
];
/// For those who keep the shop, who ask for what can't be done, or is not there.
const STAFF_HEARD: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    Heard,
    Heard,
    Unauthenticated,
    Unauthenticated,
];
const STAFF_MISSING: Columns = [
    Unauthenticated,
    Forbidden,
    Forbidden,
    Missing,
    Missing,
    Unauthenticated,
    Unauthenticated,
];
const SIGNED_IN: Columns = [Unauthenticated, It, It, It, It, Unauthenticated, Unauthenticated];
const OWNER: Columns = [
    Unauthenticated,
    It,
    Forbidden,
    It,
    It,
    Unauthenticated,
    Unauthenticated,
];
/// The API key is nobody's, so it has no profile and can't shop.
const PERSONS: Columns = [
    Unauthenticated,
    It,
    It,
    It,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For a person, who has to know something besides.
const KNOWING: Columns = [
    Unauthenticated,
    It,
    Heard,
    Heard,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For a person, who needs an address or a code of it; nobody here has one.
const TOLD: Columns = [
    Unauthenticated,
    Heard,
    Heard,
    Heard,
    Refused,
    Unauthenticated,
    Unauthenticated,
];

/// For persons and guests; the API key has no cart, and who sends a credential that is no good is no guest.
const GUESTS: Columns = [It, It, It, It, Refused, Unauthenticated, Unauthenticated];

/// A row: the root type and field, its document, and who gets it.
pub type Row = (&'static str, &'static str, &'static str, Columns);

/// All rows. Documents get the variables of [`Things`](super::Things).
pub const TABLE: &[Row] = &[
    ("Query", "users", "{ users { _id username } }", SIGNED_IN),
    ("Query", "user", "query ($user: ID!) { user(id: $user) { _id username } }", OWNER),
    ("Query", "userConnection", "{ userConnection(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    ("Query", "products", "{ products { _id } }", EVERYBODY),
    ("Query", "product", "query ($product: ID!) { product(id: $product) { _id } }", EVERYBODY),
    ("Query", "productConnection", "{ productConnection(first: 1) { edges { node { _id } } } }", EVERYBODY),
    ("Query", "orders", "{ orders { _id } }", SIGNED_IN),
    ("Query", "order", "query ($order: ID!) { order(id: $order) { _id } }", OWNER),
    ("Query", "orderConnection", "{ orderConnection(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    ("Query", "me", "{ me { _id username } }", PERSONS),
    ("Query", "sessions", "query ($user: ID!) { sessions(user: $user) { _id } }", OWNER),
    ("Query", "auditLog", "{ auditLog(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "registerUser",
        "mutation ($name: String!) { registerUser(input: { username: $name, password: \"a good password\" }) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "login",
        "mutation ($login: LoginInput!) { login(input: $login) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "createProduct",
        "mutation ($name: String!) { createProduct(input: { name: $name, price: 1, quantity: 1 }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateProduct",
        "mutation ($product: ID!, $version: Int!) { updateProduct(id: $product, version: $version, input: { price: 2 }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "receiveStock",
        "mutation ($product: ID!) { receiveStock(id: $product, quantity: 1) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "importProducts",
        "mutation ($name: String!) { importProducts(products: [{ externalId: $name, name: $name, price: 1, quantity: 1 }]) {
            outcomes { outcome } } }",
        STAFF,
    ),
    (
        "Mutation",
        "placeOrder",
        "mutation ($bought: String!) { placeOrder(products: [{ _id: $bought, quantity: 1 }]) { _id } }",
        PERSONS,
    ),
    (
        "Mutation",
        "updateOrderStatus",
        "mutation ($fresh: ID!) { updateOrderStatus(id: $fresh, status: PAID) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "cancelOrder",
        "mutation ($fresh: ID!) { cancelOrder(id: $fresh) { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "createDiscount",
        "mutation ($name: String!) { createDiscount(input: { code: $name, percent: 10 }) { code } }",
        STAFF,
    ),
    (
        "Mutation",
        "disableDiscount",
        "mutation ($code: String!) { disableDiscount(code: $code) { code } }",
        STAFF,
    ),
    ("Query", "discounts", "{ discounts(first: 1) { edges { node { code } } } }", STAFF),
    // Whoever holds a refresh token, holds the session.
    (
        "Mutation",
        "refreshToken",
        "mutation ($refresh: String!) { refreshToken(input: { refresh_token: $refresh }) { user { _id } } }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "logout",
        "mutation ($refresh: String!) { logout(input: { refresh_token: $refresh }) }",
        EVERYBODY,
    ),
    (
        "Mutation",
        "revokeSession",
        "mutation ($session: ID!) { revokeSession(id: $session) { _id } }",
        OWNER,
    ),
    (
        "Query",
        "exportUser",
        "query ($user: ID!) { exportUser(id: $user) }",
        OWNER,
    ),
    (
        "Mutation",
        "updateUser",
        "mutation ($user: ID!, $userVersion: Int!, $name: String!) {
            updateUser(id: $user, version: $userVersion, input: { name: $name }) { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "changePassword",
        "mutation ($password: String!) { changePassword(input: { current: $password, new: $password }) { _id } }",
        KNOWING,
    ),
    ("Mutation", "setRole", "mutation ($user: ID!) { setRole(id: $user, role: ADMIN) { _id } }", STAFF),
    ("Mutation", "eraseUser", "mutation ($user: ID!) { eraseUser(id: $user) { _id } }", OWNER),
    (
        "Mutation",
        "requestVerification",
        "mutation { requestVerification(channel: EMAIL) { expiresAt } }",
        TOLD,
    ),
    ("Mutation", "verify", "mutation { verify(channel: EMAIL, code: \"000000\") { _id } }", TOLD),
    ("Query", "archivedProducts", "{ archivedProducts(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "deleteProduct",
        "mutation ($product: ID!) { deleteProduct(id: $product, version: 1) { _id } }",
        STAFF,
    ),
    ("Query", "stockMovements", "query ($product: ID!) { stockMovements(productId: $product) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "adjustStock",
        "mutation ($product: ID!) { adjustStock(id: $product, delta: 1, reason: \"found\") { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "setStock",
        "mutation ($product: ID!) { setStock(id: $product, quantity: 5) { _id } }",
        STAFF,
    ),
    ("Query", "categories", "{ categories { _id } }", EVERYBODY),
    (
        "Mutation",
        "createCategory",
        "mutation ($name: String!) { createCategory(input: { name: $name }) { _id } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateCategory",
        "mutation ($category: ID!) { updateCategory(id: $category, input: { position: 1 }) { _id } }",
        STAFF,
    ),
    ("Mutation", "moveCategory", "mutation ($category: ID!) { moveCategory(id: $category) { _id } }", STAFF),
    ("Mutation", "deleteCategory", "mutation ($category: ID!) { deleteCategory(id: $category) { _id } }", STAFF),
    (
        "Mutation",
        "createVariant",
        "mutation ($product: ID!, $name: String!) { createVariant(
            parentId: $product, options: [{ name: \"cell\", value: $name }], input: { name: $name, price: 1, quantity: 1 }) { _id } }",
        STAFF,
    ),
    ("Query", "productFacets", "{ productFacets(filter: { inStock: true }) { total } }", EVERYBODY),
    ("Query", "exportProducts", "{ exportProducts(first: 1) { data } }", STAFF),
    ("Query", "cart", "{ cart { _id } }", GUESTS),
    (
        "Mutation",
        "addToCart",
        "mutation ($product: ID!) { addToCart(productId: $product) { _id } }",
        GUESTS,
    ),
    (
        "Mutation",
        "updateCartItem",
        "mutation ($product: ID!) { updateCartItem(productId: $product, quantity: 0) { _id } }",
        GUESTS,
    ),
    (
        "Mutation",
        "removeFromCart",
        "mutation ($product: ID!) { removeFromCart(productId: $product) { _id } }",
        GUESTS,
    ),
    ("Mutation", "clearCart", "mutation { clearCart { _id } }", GUESTS),
    // A cart that nobody knows is an empty one.
    (
        "Mutation",
        "mergeCart",
        "mutation { mergeCart(cartId: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\") { _id } }",
        PERSONS,
    ),
    // With a code that is no good, whatever is in the cart.
    (
        "Mutation",
        "checkoutCart",
        "mutation { checkoutCart(discountCode: \"no such code\") { _id } }",
        TOLD,
    ),
    ("Query", "payment", "query ($paid: ID!) { payment(id: $paid) { _id } }", OWNER),
    (
        "Mutation",
        "payOrder",
        "mutation ($fresh: ID!) { payOrder(orderId: $fresh, paymentMethod: \"tok_ok\") { _id } }",
        OWNER,
    ),
    (
        "Mutation",
        "refundPayment",
        "mutation ($paid: ID!) { refundPayment(id: $paid) { _id } }",
        STAFF,
    ),
    ("Query", "notifications", "{ notifications(first: 1) { edges { node { _id } } } }", SIGNED_IN),
    (
        "Query",
        "notificationPreferences",
        "query ($user: ID!) { notificationPreferences(user: $user) { kind } }",
        OWNER,
    ),
    (
        "Mutation",
        "updateNotificationPreferences",
        "mutation ($user: ID!) { updateNotificationPreferences(user: $user, preferences: []) { kind } }",
        OWNER,
    ),
    (
        "Mutation",
        "sendEmail",
        "mutation { sendEmail(input: { to: \"ada@example.com\", subject: \"News\", text: \"News\" }) { _id } }",
        STAFF,
    ),
    // To what is no number: shops under test send no SMS.
    ("Mutation", "sendSms", "mutation { sendSms(input: { to: \"0151\", text: \"News\" }) { _id } }", STAFF_HEARD),
    (
        "Mutation",
        "retryNotification",
        "mutation { retryNotification(id: \"no such notification\") { _id } }",
        STAFF_MISSING,
    ),
    ("Query", "webhooks", "{ webhooks { _id } }", STAFF),
    ("Query", "webhookDeliveries", "{ webhookDeliveries(first: 1) { edges { node { _id } } } }", STAFF),
    (
        "Mutation",
        "createWebhook",
        "mutation { createWebhook(input: { url: \"https://webhooks.example/\", events: [\"*\"] }) { webhook { _id } } }",
        STAFF,
    ),
    (
        "Mutation",
        "updateWebhook",
        "mutation ($webhook: ID!) { updateWebhook(id: $webhook, input: { enabled: false }) { _id } }",
        STAFF,
    ),
    ("Mutation", "deleteWebhook", "mutation ($webhook: ID!) { deleteWebhook(id: $webhook) { _id } }", STAFF),
    (
        "Mutation",
        "rotateWebhookSecret",
        "mutation ($webhook: ID!) { rotateWebhookSecret(id: $webhook) { webhook { _id } } }",
        STAFF,
    ),
    (
        "Mutation",
        "replayWebhookDelivery",
        "mutation ($delivery: ID!) { replayWebhookDelivery(id: $delivery) { _id } }",
        STAFF,
    ),
    (
        "Subscription",
        "productChanged",
        "subscription ($product: ID!) { productChanged(ids: [$product]) { _id } }",
        EVERYBODY,
    ),
    (
        "Subscription",
        "orderChanged",
        "subscription ($order: ID!) { orderChanged(id: $order) { _id } }",
        OWNER,
    ),
    // Not root fields, but guarded like them.
    ("Order", "payment", "query ($paid: ID!) { order(id: $paid) { payment { status } } }", OWNER),
    ("Product", "stock", "query ($product: ID!) { product(id: $product) { stock { onHand } } }", STAFF),
    ("Order", "user", "query ($order: ID!) { order(id: $order) { user { username } } }", OWNER),
];
