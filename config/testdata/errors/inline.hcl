variable "login" { default = "shop" }
variable "password" {
  default   = "not-shown"
  sensitive = true
}
variable "tenant" { default = { name = "acme" } }
variable "shops" {
  default = {
    almaty = { login = "a", region = "kz", note = "x" }
    omsk   = { login = "o" }
  }
}
locals { who = "shop" }

sink "file" "out" { dir = "out" }

account "http" "crm" {
  base_url  = "https://crm.example"
  hosts     = [var.login]                # ERROR: References not allowed
  attribute = "x"                        # ERROR: Unsupported argument
  revoke_on = ["removed"]                # ERROR: Missing revoke block
  locals {                               # ERROR: Unsupported block type
    a = 1
  }
  login {
    revokes_previous = var.login         # ERROR: References not allowed
    request {
      method = "POST"
      path   = "/login/${var.password}"  # ERROR: Sensitive value in a path
      header = {
        One   = response.body.x          # ERROR: Reference to "response" too early
        Two   = local.whom               # ERROR: No local value named "whom" is declared. Did you mean "who"?
        Three = self.password            # ERROR: self has no "password".
        Four  = each.value.x             # ERROR: Reference to "each" without for_each
        Nil   = each.kye                 # ERROR: Reference to "each" without for_each
        Five  = data.vault.accounts.x    # ERROR: No data block data.vault.accounts is declared
        Six   = env("HOME")              # ERROR: Give the value a name in a locals block
        Seven = varr.login               # ERROR: There is nothing named "varr" here. Did you mean "var"?
        Nine  = account.name             # ERROR: There is nothing named "account" here
        Ten   = var.logn                 # ERROR: No variable named "logn" is declared. Did you mean "login"?
        Plus  = "${self.base_url}${var.tenant.name}"
      }
      query = { p = var.password }       # ERROR: Sensitive value in a URL
      form  = { tenant = var.tenant.nmae } # ERROR: Unsupported attribute
    }
    access_token = response.body.token
    lifetime     = "1h"
    expires_at   = response.bdy.expires  # ERROR: response has no "bdy". Did you mean "body"?
    outputs      = { grup = response.body.group } # ERROR: There is no output block for "grup"
  }
  verify {
    request {
      url    = "https://other.example/me" # ERROR: Secrets go to other.example
      bearer = token.acces_token         # ERROR: has no output "acces_token". Did you mean "access_token"?
    }
  }
  error "locked" {
    when      = response.status == 423
    class     = "human"
    reason    = "account_locked"
    attribute = "login"                  # ERROR: This description has no attribute "login"
  }
}

account "http" "nothing" { # ERROR: At least 1 "login" block is required in account "http" "nothing"
  base_url = "https://crm.example"
  verify { by = "answer" }
}

account "http" "nowhere" { # ERROR: The argument "base_url" is required in account "http" "nowhere"
  login {
    request { path = "/login" }
    access_token  = response.body.token
    never_expires = true
  }
  verify { by = "answer" }
}

account "http" "spelling" {
  base_url = "https://crm.example"
  login {
    request { path = "/login" }
    access_token  = response.body.token
    never_expires = true
    outputs       = { group_id = response.body.group }
  }
  verify { by = "answer" }
  output "group_id" {
    type      = string
    sensitive = false
  }
  deliver "file" "out" {
    path = "crm.json"
    data = { GROUP = token.grup_id } # ERROR: Did you mean "group_id"?
  }
}

account "http" "shops" {
  for_each = var.shops
  base_url = "https://crm.example"
  login {
    request {
      path  = "/login"
      query = { login = each.value.login, region = try(each.value.region, "ru") }
      header = {
        Note = each.value.note # ERROR: Unsupported attribute
      }
    }
    access_token  = response.body.token
    never_expires = true
  }
  verify { by = "answer" }
}

account "static" "key" {
  base_url     = "crm.example"  # ERROR: The argument "base_url": not an absolute URL
  token        = var.password
  remind_after = "soon"         # ERROR: Invalid value for an argument
  expires_at   = "tomorrow"     # ERROR: must be an RFC 3339 time
  login {                       # ERROR: Unsupported block type
    access_token = "x"
  }
  verify {
    request {
      path     = "/me"
      username = self.usernam   # ERROR: self has no "usernam". Did you mean "username"?
      password = token.access_token
    }
  }
}

account "static" "twice" {
  base_url = "https://crm.example"
  token    = var.password
  verify {
    request { path = "/me" }
    expires_in = response.body.in # ERROR: Only one of expires_in and expires_at can be set
    expires_at = response.body.at
  }
}

account "static" "nowhere" { # ERROR: The argument "base_url" is required in account "static" "nowhere"
  token = var.password
  verify {
    request { path = "/me" }
  }
}

account "static" "nothing" { # ERROR: The argument "token" is required in account "static" "nothing"
  verify { by = "answer" }
}

account "http" "removed" {
  base_url  = "https://crm.example"
  revoke_on = ["removed"] # ERROR: Describe the upstream in an upstream block
  login {
    request { path = "/login" }
    access_token = response.body.token
    lifetime     = "1h"
  }
  verify { by = "answer" }
  revoke {
    request { path = "/logout" }
  }
  deliver "file" "out" { path = "removed.json" }
}
