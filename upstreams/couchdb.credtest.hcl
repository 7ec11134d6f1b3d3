test "a login" {
  upstream   = "couchdb"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }

  answer {
    headers = { Set-Cookie = "AuthSession=bWFkZS11cC1zZXNzaW9u; Version=1; Path=/; HttpOnly" }
    json    = { ok = true, name = "shop", roles = ["reader", "writer"] }
  }
  expect {
    access_token = "bWFkZS11cC1zZXNzaW9u"
    outputs      = { roles = ["reader", "writer"] }
    requests     = 1
    request = {
      method = "POST"
      url    = "https://couchdb.example.com:6984/_session"
      query  = {}
      form   = { name = "shop", password = "made-up-6021" }
      header = { Content-Type = "application/x-www-form-urlencoded", Authorization = null, Cookie = null }
    }
  }
}

test "a server behind a path" {
  upstream   = "couchdb"
  attributes = { base_url = "https://example.com/couchdb", username = "shop", password = "made-up-6021", session_timeout = "1h" }

  answer {
    headers = { Set-Cookie = "AuthSession=bWFkZS11cC1zZXNzaW9u; Version=1; Path=/; HttpOnly" }
    json    = { ok = true, name = "shop", roles = [] }
  }
  expect {
    outputs = { roles = [] }
    request = { url = "https://example.com/couchdb/_session" }
  }
}

test "a wrong password" {
  upstream   = "couchdb"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }

  answer {
    status = 401
    json   = { error = "unauthorized", reason = "Name or password is incorrect." }
  }
  expect {
    class = "credentials"
    error = "credentials"
  }
}

test "an answer without a cookie" {
  upstream   = "couchdb"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }

  answer {
    json = { ok = true, name = "shop", roles = [] }
  }
  expect {
    class = "server"
  }
}

test "a valid session" {
  upstream   = "couchdb"
  operation  = "verify"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }
  token      = { access_token = "bWFkZS11cC1zZXNzaW9u" }

  answer {
    json = {
      ok      = true
      userCtx = { name = "shop", roles = ["reader"] }
      info    = { authenticated = "cookie", authentication_db = "_users", authentication_handlers = ["cookie", "default"] }
    }
  }
  expect {
    request = {
      method = "GET"
      path   = "/_session"
      query  = {}
      header = { Cookie = "AuthSession=bWFkZS11cC1zZXNzaW9u", Authorization = null }
    }
  }
}

test "a session that has timed out" {
  upstream   = "couchdb"
  operation  = "verify"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }
  token      = { access_token = "bWFkZS11cC1zZXNzaW9u" }

  answer {
    json = {
      ok      = true
      userCtx = { name = null, roles = [] }
      info    = { authentication_db = "_users", authentication_handlers = ["cookie", "default"] }
    }
  }
  expect {
    class = "credentials"
    error = "nobody"
  }
}

test "a session that is refused" {
  upstream   = "couchdb"
  operation  = "verify"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }
  token      = { access_token = "bWFkZS11cC1zZXNzaW9u" }

  answer {
    status = 401
    json   = { error = "unauthorized", reason = "You are not authorized to access this db." }
  }
  expect {
    class = "credentials"
    error = "nobody"
  }
}

test "a session of another user" {
  upstream   = "couchdb"
  operation  = "verify"
  attributes = { base_url = "https://couchdb.example.com:6984", username = "shop", password = "made-up-6021" }
  token      = { access_token = "bWFkZS11cC1zZXNzaW9u" }

  answer {
    json = { ok = true, userCtx = { name = "till", roles = [] }, info = { authenticated = "cookie" } }
  }
  expect {
    class = "server"
  }
}
