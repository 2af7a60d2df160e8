//! The rows: every operation of REST, and the status that each caller gets.

/// The status that each caller gets: without proof, the owner, another customer, an administrator's token, the API key, a wrong key and
/// an expired token.
pub type Columns = [u16; 7];

/// A row: the method, all paths, the body, and what each caller gets.
pub type Row = (&'static str, &'static [&'static str], &'static str, Columns);

const EVERYBODY: Columns = [200; 7];
const KNOWN: Columns = [401, 200, 200, 200, 200, 401, 401];
const OWNER: Columns = [401, 200, 403, 200, 200, 401, 401];
const STAFF: Columns = [401, 403, 403, 200, 200, 401, 401];
/// For those who keep the shop, who ask for what can't be done.
const STAFF_HEARD: Columns = [401, 403, 403, 400, 400, 401, 401];

/// All rows. Paths and bodies get what [`Things`](super::Things) has.
pub const TABLE: &[Row] = &[
    (
        "POST",
        &["/api/users/register", "/auth/register"],
        r#"{"username": "$name", "password": "a long password"}"#,
        [201; 7],
    ),
    (
        "POST",
        &["/api/users/login", "/auth/login"],
        r#"{"username": "$login", "password": "$password"}"#,
        EVERYBODY,
    ),
    // Whoever holds a refresh token, holds the session.
    (
        "POST",
        &["/api/users/refresh"],
        r#"{"refresh_token": "$refresh"}"#,
        EVERYBODY,
    ),
    (
        "POST",
        &["/api/users/logout"],
        r#"{"refresh_token": "$refresh"}"#,
        [204; 7],
    ),
    // Nobody here has an address; the API key is nobody's.
    (
        "POST",
        &["/api/users/verify"],
        r#"{"channel": "email", "code": "000000"}"#,
        [401, 400, 400, 400, 403, 401, 401],
    ),
    ("GET", &["/api/users/{id}"], "", OWNER),
    ("PUT", &["/api/users/{id}"], r#"{"name": "Ada"}"#, OWNER),
    (
        "DELETE",
        &["/api/users/{id}"],
        "",
        [401, 204, 403, 204, 204, 401, 401],
    ),
    ("GET", &["/api/users/{id}/export"], "", OWNER),
    ("GET", &["/api/products", "/products"], "", EVERYBODY),
    (
        "POST",
        &["/api/products", "/products"],
        r#"{"name": "$name", "price": 1, "quantity": 1}"#,
        [401, 403, 403, 201, 201, 401, 401],
    ),
    ("GET", &["/api/products/{id}"], "", EVERYBODY),
    ("PUT", &["/api/products/{id}"], r#"{"price": 2}"#, STAFF),
    ("DELETE", &["/api/products/{id}"], "", STAFF),
    (
        "PATCH",
        &["/api/products/{id}/stock"],
        r#"{"quantity": 1}"#,
        STAFF,
    ),
    ("PUT", &["/api/products/{id}/deduct"], r#"{"quantity": 1}"#, STAFF),
    ("GET", &["/api/categories"], "", EVERYBODY),
    ("GET", &["/api/cart/{userId}"], "", OWNER),
    (
        "POST",
        &["/api/cart/{userId}/add"],
        r#"{"productId": "$product", "quantity": 1}"#,
        OWNER,
    ),
    (
        "PUT",
        &["/api/cart/{userId}/update/{productId}"],
        r#"{"quantity": 2}"#,
        OWNER,
    ),
    ("DELETE", &["/api/cart/{userId}/remove/{productId}"], "", OWNER),
    (
        "POST",
        &["/api/cart/{userId}/checkout"],
        "",
        [401, 201, 403, 201, 201, 401, 401],
    ),
    ("GET", &["/api/orders", "/orders"], "", KNOWN),
    // The API key can't shop.
    (
        "POST",
        &["/api/orders", "/orders"],
        r#"{"products": [{"_id": "$product", "quantity": 1}]}"#,
        [401, 201, 201, 201, 403, 401, 401],
    ),
    ("GET", &["/api/orders/{id}"], "", OWNER),
    ("DELETE", &["/api/orders/{id}"], "", OWNER),
    (
        "PATCH",
        &["/api/orders/{id}/status", "/orders/{id}/status"],
        r#"{"status": "paid"}"#,
        STAFF,
    ),
    (
        "PUT",
        &["/api/orders/{id}/status", "/orders/{id}/status"],
        r#"{"status": "paid"}"#,
        STAFF,
    ),
    (
        "POST",
        &["/api/payments/{id}"],
        r#"{"paymentMethod": "tok_ok"}"#,
        [401, 201, 403, 201, 201, 401, 401],
    ),
    ("GET", &["/api/payments/{id}"], "", OWNER),
    ("GET", &["/api/payments/order/{id}"], "", OWNER),
    ("POST", &["/api/payments/{id}/refund"], "", STAFF),
    (
        "POST",
        &["/api/notification/email"],
        r#"{"to": "ada@example.com", "subject": "News", "text": "News"}"#,
        STAFF,
    ),
    // To what is no number: shops under test may send no SMS.
    (
        "POST",
        &["/api/notification/sms"],
        r#"{"to": "0151", "text": "News"}"#,
        STAFF_HEARD,
    ),
    // Whoever asks, and Stripe alone, which signs what it tells.
    ("GET", &["/livez", "/readyz"], "", EVERYBODY),
    ("POST", &["/webhooks/stripe"], r#"{"id": "evt_1"}"#, [400; 7]),
];
