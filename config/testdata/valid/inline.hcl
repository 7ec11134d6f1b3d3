variable "loyalty_login" { default = "shop" }
variable "loyalty_password" {
  default   = "not-shown"
  sensitive = true
}
variable "gitlab_pat" {
  default   = "not-shown"
  sensitive = true
}
variable "shops" {
  default = {
    almaty = { login = "a", password = "not-shown", region = "kz" }
    omsk   = { login = "o", password = "not-shown" }
  }
}
locals {
  version = { api = "v1", client = "credsync" }
}

sink "file" "secrets" { dir = "out" }
sink "vault" "main" { address = "https://vault.example.com" }
data "vault" "accounts" {
  sink = "main"
  path = "accounts"
}

account "http" "loyalty" {
  base_url = "https://api.loyalty.example"

  login {
    request {
      method = "POST"
      path   = "/v1/login"
      json   = { login = var.loyalty_login, password = var.loyalty_password }
    }
    access_token = response.body.data.token
    expires_at   = response.body.data.expire # RFC 3339
    outputs      = { org_id = response.body.data.organization.id }
  }
  verify {
    request {
      path   = "/v1/me"
      bearer = token.access_token
    }
  }
  error "wrong_password" {
    when  = response.status == 422 && try(response.body.code, "") == "BAD_CREDENTIALS"
    class = "credentials"
  }
  output "org_id" {
    type      = string
    sensitive = false
  }
  deliver "file" "secrets" {
    path = "loyalty.json"
    data = { TOKEN = token.access_token, ORG = token.org_id }
  }
}

account "static" "gitlab" {
  base_url     = "https://gitlab.example.com"
  token        = var.gitlab_pat
  remind_after = "90d"
  verify {
    request {
      path   = "/api/v4/personal_access_tokens/self"
      header = { PRIVATE-TOKEN = token.access_token }
    }
    success    = response.status == 200 && response.body.active
    expires_at = try("${response.body.expires_at}T00:00:00Z", null) # a date
  }
  deliver "vault" "main" { path = "ci/gitlab" }
}

# Everything that stands in a description, of several accounts.
account "http" "shops" {
  for_each         = var.shops
  base_url         = "https://${each.key}.shops.example"
  hosts            = ["login.shops.example", "*.shop.example"]
  unknown_refusals = 1
  rotate_before    = "10m"
  http { timeout = "10s" }

  rate_limit {
    requests = 10
    per      = "1s"
  }
  response { unwrap = "data" }
  login {
    request "key" {
      url    = "https://login.shops.example/key"
      counts = false
    }
    request {
      method      = "POST"
      path        = "/${local.version.api}/{shop}/login"
      path_params = { shop = each.key }
      query       = { region = try(each.value.region, "ru") }
      header      = { X-Client = local.version["client"], X-Key = responses.key.body.key }
      json        = { login = each.value.login, password = each.value.password, otp = data.vault.accounts[each.key] }
    }
    access_token    = response.body.token
    refresh_token   = response.body.refresh
    expires_in      = response.body.expires_in
    lifetime        = "1h"
    refreshable_for = "30d"
    outputs         = { branch = try(previous.branch, response.body.branches[0]) }
  }
  refresh {
    request {
      method = "POST"
      path   = "/refresh"
      form   = { token = token.refresh_token, client = local.version.client, at = "${unixtime()}" }
    }
    access_token = response.body.token
  }
  second_factor {
    when = response.status == 401 && try(response.outer.mfa, false)
    send_code {
      request {
        method = "POST"
        path   = "/mfa"
      }
      challenge = response.body.id
    }
    login_with_code {
      request {
        method = "POST"
        path   = "/mfa/login"
        json   = { password = each.value.password, id = challenge.id, code = challenge.code }
      }
    }
  }
  verify {
    request {
      path   = "/me"
      bearer = token.access_token
    }
  }
  revoke {
    request {
      method = "DELETE"
      path   = "/session"
      bearer = token.access_token
    }
  }
  warn "branch" {
    when    = token.branch == null
    summary = "There is no branch"
    detail  = "Ask for one."
  }
  output "branch" {
    type      = string
    sensitive = false
  }
  dynamic "deliver" {
    for_each = [each.key]
    labels   = ["file", "secrets"]
    content {
      path = "${account.name}-${deliver.value}.json"
      data = { TOKEN = token.access_token, BRANCH = token.branch }
    }
  }
}

# A password, which no request can prove.
account "static" "basic" {
  token      = sensitive("not-shown")
  username   = "shop"
  expires_at = "2030-01-01T00:00:00Z"
  verify { by = "answer" }
  deliver "file" "secrets" { path = "basic.json" }
}

account "static" "basicchecked" {
  base_url = "https://basic.example"
  token    = data.vault.accounts.basic
  username = "shop"
  verify {
    request {
      path     = "/me"
      username = self.username
      password = self.token
    }
    outputs = { id = response.body.id }
  }
  error "locked" {
    when   = response.status == 423
    class  = "human"
    reason = "account_locked"
  }
  output "id" { type = string }
  deliver "file" "secrets" {
    path = "basicchecked.json"
    data = { PASSWORD = token.access_token, ID = token.id, UNTIL = token.expires_at }
  }
}
