test "a login" {
  upstream   = "tuya"
  now        = "2026-03-02T10:00:00Z"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = {
      success = true
      t       = 1772445600000
      result = {
        access_token = "made-up-token-9175"
        expire_time  = 7200
        uid          = "made-up-uid"
      }
    }
  }
  expect {
    access_token = "made-up-token-9175"
    expires_at   = "2026-03-02T12:00:00Z"
    outputs      = { uid = "made-up-uid" }
    requests     = 1
    request = {
      method = "GET"
      url    = "https://openapi.tuyaeu.com/v1.0/token"
      query  = { grant_type = "1" }
      header = { client_id = "made-up-id", sign_method = "HMAC-SHA256", t = "1772445600000", Authorization = null }
    }
  }
}

test "a wrong secret" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1004, msg = "sign invalid", t = 1772445600000 }
  }
  expect {
    class = "credentials"
    error = "credentials"
  }
}

test "an unknown client" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1005, msg = "clientId invalid", t = 1772445600000 }
  }
  expect {
    class = "credentials"
    error = "credentials"
  }
}

test "a code as text" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = "1001", msg = "secret invalid", t = 1772445600000 }
  }
  expect {
    class = "credentials"
    error = "credentials"
  }
}

test "a clock that is wrong" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1013, msg = "request time is invalid", t = 1772445600000 }
  }
  expect {
    class = "config"
    error = "clock"
  }
}

test "a project without permission" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1106, msg = "permission deny", t = 1772445600000 }
  }
  expect {
    class  = "human"
    reason = "no_access"
    error  = "no_access"
  }
}

test "an error of the system" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 500, msg = "system error, please contact the admin", t = 1772445600000 }
  }
  expect {
    class = "retryable"
    error = "busy"
  }
}

test "too many requests" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1199, msg = "your requests are too frequent", t = 1772445600000 }
  }
  expect {
    class = "retryable"
    error = "busy"
  }
}

test "a code that is not described" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = false, code = 1107, msg = "code invalid", t = 1772445600000 }
  }
  expect {
    class = "server"
  }
}

test "an answer without a token" {
  upstream   = "tuya"
  attributes = { base_url = "https://openapi.tuyaeu.com", client_id = "made-up-id", secret = "made-up-6021" }

  answer {
    json = { success = true, t = 1772445600000, result = { uid = "made-up-uid" } }
  }
  expect {
    class = "server"
  }
}
