upstream "acme" {
  base_url = "https://api.acme.example"

  attribute "login" { type = string }
  attribute "password" {
    type      = string
    sensitive = true
  }

  locals {
    who  = { login = self.login, password = self.password }
    why  = lower(try(response.body.error, ""))
    late = "${local.why}!"
    a    = local.b # ERROR: Cycle among local values; These refer to each other, so none of them can be evaluated first: local.a → local.b → local.a
    b    = local.a
    c    = response.stauts # ERROR: Unsupported attribute; response has no "stauts". Did you mean "status"?
  }

  login {
    request {
      method = "POST"
      path   = "/login"
      json   = merge(local.who, { user = var.user }) # ERROR: Invalid reference; An upstream block is complete in itself, so it cannot refer to "var"
      header = {
        One   = response.body.x                 # ERROR: Reference to "response" too early
        Two   = local.late                      # ERROR: Reference to "response" too early; local.late refers to "response"
        Three = self.pasword                    # ERROR: The accounts of this upstream have no attribute "pasword". Did you mean "password"?
        Four  = token.access_token              # ERROR: Reference to "token" too early
        Five  = try(responses.first.body.x, "") # ERROR: No earlier request of this operation has the label "first"
        Six   = env("HOME")                     # ERROR: Function not available here; An upstream block is complete in itself, so it cannot call env()
        Seven = frobnicate(self.login)          # ERROR: Call to unknown function
        Eight = previous.group                  # ERROR: This upstream declares no output "group"
        Nine  = challenge.code                  # ERROR: "challenge" can be used only in login_with_code
        Ten   = data.vault.x                    # ERROR: it cannot refer to "data"
        Plus  = self                            # it is all of them
        Minus = foo                             # ERROR: There is nothing named "foo" here
      }
    }
    access_token = response.body.token
    expires_at   = response.body["expires"]
    outputs = {
      id   = response.body.id
      grup = response.body.group # ERROR: Undeclared output; There is no output block for "grup"
      org  = try(response.boddy.org, null) # ERROR: response has no "boddy". Did you mean "body"?
    }
  }

  verify {
    by = "answer"
    precondition {
      condition     = token.ids != null # ERROR: The token of this upstream has no output "ids". Did you mean "id"?
      error_message = "no id"
      class         = "config"
    }
  }

  output "id" {
    type      = string
    sensitive = false
  }
  output "org" { type = string }
}
