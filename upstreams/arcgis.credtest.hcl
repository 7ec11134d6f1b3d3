test "a login" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { token = "made-up-token-4417", expires = 1803895200000, ssl = true }
  }
  expect {
    access_token = "made-up-token-4417"
    expires_at   = "2027-03-01T10:00:00Z"
    requests     = 1
    request = {
      method = "POST"
      url    = "https://www.arcgis.com/sharing/rest/generateToken"
      query  = {}
      header = { Content-Type = "application/x-www-form-urlencoded", Authorization = null }
      form = {
        username   = "shop"
        password   = "made-up-6021"
        client     = "referer"
        referer    = "https://www.arcgis.com"
        expiration = "120"
        f          = "json"
      }
    }
  }
}

test "a portal of our own" {
  upstream = "arcgis"
  attributes = {
    base_url = "https://gis.example.com/portal/sharing/rest"
    username = "shop"
    password = "made-up-6021"
    referer  = "https://shop.example.com"
    minutes  = 60
  }

  answer {
    json = { token = "made-up-token-4417", expires = 1803895200000, ssl = true }
  }
  expect {
    expires_at = "2027-03-01T10:00:00Z"
    request = {
      url  = "https://gis.example.com/portal/sharing/rest/generateToken"
      form = { referer = "https://shop.example.com", expiration = "60" }
    }
  }
}

test "a wrong password" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { error = { code = 400, message = "Unable to generate token.", details = ["Invalid username or password."] } }
  }
  expect {
    class = "credentials"
    error = "credentials"
  }
}

test "a user without permission" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { error = { code = 403, message = "You do not have permissions to access this resource or perform this operation.", details = [] } }
  }
  expect {
    class  = "human"
    reason = "no_access"
    error  = "no_access"
  }
}

test "an error that the document does not name" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { error = { code = 500, message = "Internal error.", details = [] } }
  }
  expect {
    class = "server"
  }
}

test "an answer without a token" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { expires = 1803895200000, ssl = true }
  }
  expect {
    class = "server"
  }
}

test "a token without an end" {
  upstream   = "arcgis"
  attributes = { username = "shop", password = "made-up-6021" }

  answer {
    json = { token = "made-up-token-4417", ssl = true }
  }
  expect {
    access_token = "made-up-token-4417"
  }
}

test "a valid token" {
  upstream   = "arcgis"
  operation  = "verify"
  attributes = { username = "shop", password = "made-up-6021" }
  token      = { access_token = "made-up-token-4417" }

  answer {
    json = { username = "shop", fullName = "Shop Floor", orgId = "made-up-org", role = "org_user", groups = [] }
  }
  expect {
    outputs = { org_id = "made-up-org", role = "org_user" }
    request = {
      method = "GET"
      path   = "/community/self"
      query  = { f = "json", token = null }
      header = {
        X-Esri-Authorization = "Bearer made-up-token-4417"
        Referer              = "https://www.arcgis.com"
        Authorization        = null
      }
    }
  }
}

test "an expired token" {
  upstream   = "arcgis"
  operation  = "verify"
  attributes = { username = "shop", password = "made-up-6021" }
  token      = { access_token = "made-up-token-4417" }

  answer {
    json = { error = { code = 498, message = "Invalid token.", details = [] } }
  }
  expect {
    class = "credentials"
    error = "token"
  }
}

test "a request that arrived without its token" {
  upstream   = "arcgis"
  operation  = "verify"
  attributes = { username = "shop", password = "made-up-6021" }
  token      = { access_token = "made-up-token-4417" }

  answer {
    json = { error = { code = 499, message = "Token Required", details = ["Token Required"] } }
  }
  expect {
    class = "credentials"
    error = "token"
  }
}

test "an answer about nobody" {
  upstream   = "arcgis"
  operation  = "verify"
  attributes = { username = "shop", password = "made-up-6021" }
  token      = { access_token = "made-up-token-4417" }

  answer {
    json = { role = "org_user" }
  }
  expect {
    class = "server"
  }
}
