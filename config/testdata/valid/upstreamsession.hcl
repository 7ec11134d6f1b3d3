upstream "veeva" {
  doc      = "Veeva Vault by an OAuth token: a token first, then a session."
  base_url = "https://login.veevavault.com"

  attribute "client_id" { type = string }
  attribute "client_secret" {
    type      = string
    sensitive = true
  }
  attribute "token_url" {
    type     = string
    endpoint = true # secrets go there: https, no user info, shown in plan
  }
  attribute "profile" { type = string }
  attribute "vault_dns" { type = string }

  login {
    request "token" {
      method   = "POST"
      url      = self.token_url
      username = self.client_id # HTTP Basic
      password = self.client_secret
      form     = { grant_type = "client_credentials" }
    }
    request "session" {
      method      = "POST"
      path        = "/auth/oauth/session/{profile}"
      path_params = { profile = self.profile }
      bearer      = responses.token.body.access_token
      form        = { vaultDNS = self.vault_dns, client_id = self.client_id }
    }
    success      = response.status == 200 && try(response.body.responseStatus, "") == "SUCCESS"
    access_token = response.body.sessionId
    lifetime     = "48h"
  }
  verify {
    request {
      url    = "https://${self.vault_dns}/api/v24.1/objects/users/me"
      header = { Authorization = token.access_token }
    }
  }
}

account "veeva" "prod" {
  client_id     = "payments"
  client_secret = env("BANK_PASSWORD")
  token_url     = "https://idp.example.com/token"
  profile       = "p1"
  vault_dns     = "acme.veevavault.com"
  deliver "vault" "main" { path = "clinical/veeva" }
}

sink "vault" "main" { address = "https://vault.example.com" }
