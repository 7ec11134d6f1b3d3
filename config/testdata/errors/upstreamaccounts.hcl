upstream "optional" {
  base_url           = "https://api.acme.example"
  client_certificate = "optional"
  exactly_one_of     = [["password", "certificate"]]
  attribute "password" {
    type      = string
    default   = null
    sensitive = true
  }
  attribute "certificate" { # ERROR: Reserved attribute; With client_certificate every account can have a block
    type = string
  }
  login {
    request {
      method = "POST"
      path   = "/login"
      json   = { until = self.certificate.ends, pw = self.password } # ERROR: Unsupported attribute
    }
    access_token = response.body.token
    lifetime     = "1h"
  }
  verify { by = "answer" }
}

upstream "always" {
  base_url           = "https://api.acme.example"
  client_certificate = "required"
  exactly_one_of     = [["password", "certificate"]] # ERROR: Attribute always set; Each account has a certificate block
  attribute "password" {
    type    = string
    default = null
  }
  static { access_token = self.password }
  verify { by = "answer" }
}

upstream "never" {
  base_url           = "https://api.acme.example"
  exactly_one_of     = [["password", "client_certificate"]] # ERROR: is named "certificate" in exactly_one_of
  attribute "password" {
    type    = string
    default = null
  }
  static { access_token = self.certificate } # ERROR: Unsupported attribute; The accounts of this upstream have no attribute "certificate"
  verify { by = "answer" }
}

upstream "reminding" {
  base_url = "https://api.acme.example"
  attribute "token" { type = string }
  attribute "remind_after" { # ERROR: Reserved attribute; Every account of a static upstream has "remind_after"
    type = string
  }
  static { access_token = self.token }
  verify { by = "answer" }
}

upstream "must" {
  base_url           = "https://api.acme.example"
  client_certificate = "required"
  login {
    request {
      method = "POST"
      path   = "/login"
    }
    access_token = response.body.token
    lifetime     = "1h"
  }
  verify { by = "answer" }
}

account "must" "without" { # ERROR: Missing certificate block
  deliver "vault" "main" { path = "a" }
}

account "must" "plain" {
  base_url = "http://127.0.0.1:1"
  certificate { # ERROR: There is no certificate: set cert_pem and key_pem, or pkcs12_base64
  }
  deliver "vault" "main" { path = "b" }
}

account "http" "twice" {
  base_url = "https://api.acme.example"
  certificate {
    cert_pem = env("BANK_PASSWORD")
    key_pem  = env("BANK_PASSWORD")
  }
  certificate { # ERROR: Too many certificate blocks
    cert_pem = env("BANK_PASSWORD")
    key_pem  = env("BANK_PASSWORD")
  }
  login {
    request {
      method = "POST"
      path   = "/login"
    }
    access_token = response.body.token
    lifetime     = "1h"
  }
  verify { by = "answer" }
  deliver "vault" "main" { path = "c" }
}

sink "vault" "main" {
  address = "https://vault.internal:8200"
}
