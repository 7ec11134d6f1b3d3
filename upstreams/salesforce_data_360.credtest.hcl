test "a login" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    json = {
      access_token = "made-up-token-4417"
      scope        = "cdp_query_api api"
      instance_url = "https://example.my.salesforce.com"
      token_type   = "Bearer"
    }
  }
  answer "data_360" {
    json = {
      access_token      = "made-up-token-9175"
      instance_url      = "g1zdm.c360a.salesforce.com"
      token_type        = "Bearer"
      issued_token_type = "urn:ietf:params:oauth:token-type:jwt"
      expires_in        = 7191
    }
  }
  expect {
    access_token = "made-up-token-9175"
    outputs      = { host = "g1zdm.c360a.salesforce.com" }
    requests     = 2
    request = {
      method = "POST"
      url    = "https://example.my.salesforce.com/services/a360/token"
      query  = {}
      header = { Content-Type = "application/x-www-form-urlencoded", Authorization = null }
      form = {
        grant_type         = "urn:salesforce:grant-type:external:cdp"
        subject_token      = "made-up-token-4417"
        subject_token_type = "urn:ietf:params:oauth:token-type:access_token"
        dataspace          = null
      }
    }
  }
}

test "a login for one data space" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
    dataspace     = "shops"
  }

  answer "salesforce" {
    json = {
      access_token = "made-up-token-4417"
      scope        = "cdp_query_api api"
      instance_url = "https://example.my.salesforce.com"
      token_type   = "Bearer"
    }
  }
  answer "data_360" {
    json = {
      access_token      = "made-up-token-9175"
      instance_url      = "https://g1zdm.c360a.salesforce.com/"
      token_type        = "Bearer"
      issued_token_type = "urn:ietf:params:oauth:token-type:jwt"
      expires_in        = 7191
    }
  }
  expect {
    access_token = "made-up-token-9175"
    outputs      = { host = "g1zdm.c360a.salesforce.com" }
    requests     = 2
    request = {
      method = "POST"
      url    = "https://example.my.salesforce.com/services/a360/token"
      query  = {}
      header = { Content-Type = "application/x-www-form-urlencoded", Authorization = null }
      form = {
        grant_type         = "urn:salesforce:grant-type:external:cdp"
        subject_token      = "made-up-token-4417"
        subject_token_type = "urn:ietf:params:oauth:token-type:access_token"
        dataspace          = "shops"
      }
    }
  }
}

test "a wrong secret" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    status = 400
    json   = { error = "invalid_client", error_description = "invalid client credentials" }
  }
  expect {
    class    = "credentials"
    error    = "client"
    requests = 1
    # The last request that was sent is the first of the two.
    request = {
      method = "POST"
      url    = "https://example.my.salesforce.com/services/oauth2/token"
      query  = {}
      form   = { grant_type = "client_credentials", client_id = null, client_secret = null }
      header = { Authorization = "Basic ${base64encode("made-up-id:made-up-6021")}" }
    }
  }
}

test "an unknown client" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    status = 400
    json   = { error = "invalid_client_id", error_description = "client identifier invalid" }
  }
  expect {
    class = "credentials"
    error = "client"
  }
}

test "an app without a user to run as" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    status = 400
    json   = { error = "invalid_grant", error_description = "no client credentials user enabled" }
  }
  expect {
    class  = "human"
    reason = "no_access"
    error  = "grant"
  }
}

test "an exchange that is not allowed" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    json = {
      access_token = "made-up-token-4417"
      scope        = "cdp_query_api api"
      instance_url = "https://example.my.salesforce.com"
      token_type   = "Bearer"
    }
  }
  answer "data_360" {
    status = 403
    json   = {}
  }
  expect {
    class    = "human"
    reason   = "no_access"
    requests = 2
  }
}

test "a first answer without a token" {
  upstream = "salesforce_data_360"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }

  answer "salesforce" {
    json = { token_type = "Bearer" }
  }
  expect {
    class    = "server"
    requests = 1
  }
}

test "a valid token" {
  upstream  = "salesforce_data_360"
  operation = "verify"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }
  token = { access_token = "made-up-token-9175", host = "g1zdm.c360a.salesforce.com" }

  answer {
    json = { metadata = [] }
  }
  expect {
    request = {
      method = "GET"
      url    = "https://g1zdm.c360a.salesforce.com/api/v1/metadata/"
      query  = { entityType = "CalculatedInsight" }
      header = { Authorization = "Bearer made-up-token-9175" }
    }
  }
}

test "an expired token" {
  upstream  = "salesforce_data_360"
  operation = "verify"
  attributes = {
    base_url      = "https://example.my.salesforce.com"
    client_id     = "made-up-id"
    client_secret = "made-up-6021"
  }
  token = { access_token = "made-up-token-9175", host = "g1zdm.c360a.salesforce.com" }

  answer {
    status = 401
    json   = {}
  }
  expect {
    class = "credentials"
  }
}
