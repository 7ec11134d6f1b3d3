upstream "bank" {} # ERROR: Name of a built-in provider; "bank" is built in

upstream "oauth2" {} # ERROR: Reserved name; "oauth2" is reserved

upstream "1st" {} # ERROR: Invalid name

upstream "twice" {
  base_url = "https://twice.example"
  attribute "token" { type = string }
  static { access_token = self.token }
  verify { by = "answer" }
}

upstream "twice" {} # ERROR: Duplicate upstream; The upstream "twice" was already declared

upstream "nothing" { # ERROR: Missing login block
  verify { by = "answer" }
}

upstream "verified_by_nothing" { # ERROR: Nothing verifies the token
  attribute "token" { type = string }
  static { access_token = self.token }
}

upstream "acme" {
  revoke_on      = ["replaced"] # ERROR: Missing revoke block
  base_url       = "http://api.acme.example" # ERROR: Invalid base_url
  hosts          = ["https://login.acme.example"] # ERROR: Invalid host
  exactly_one_of = [["user", "usr"]] # ERROR: Unknown attribute; There is no attribute block for "usr"
  frobs          = 1 # ERROR: Unsupported argument

  attribute "user" {
    type    = string
    default = null
  }
  attribute "enabled" { # ERROR: Reserved attribute; Every account has "enabled"
    type = bool
  }
  attribute "user" { # ERROR: Duplicate attribute
    type = string
  }
  attribute "number" {
    type    = number
    default = "many" # ERROR: Invalid default; The default of the attribute "number" does not fit its type
  }
  attribute "secret" {
    type      = string
    sensitive = true
    default   = "hunter2" # ERROR: Default of a secret
  }
  attribute "kind" {
    type    = string
    one_of  = ["a", "b"]
    default = "c" # ERROR: is not in its one_of
  }
  attribute "where" { # ERROR: Invalid endpoint
    type     = number
    endpoint = true
  }

  login { # ERROR: Missing lifetime; Say how long a token lives: set expires_in, expires_at, lifetime or never_expires = true.
    request {
      path = "/login"
    }
    access_token = response.body.token
  }

  refresh {
    request {
      path = "/a"
    }
    request { # ERROR: Too many request blocks; A refresh has one request
      path = "/b"
    }
    access_token = response.body.token
  }

  verify { # ERROR: Verification must be harmless
    request {
      method = "POST"
      path   = "/me"
    }
  }

  error "human" { # ERROR: Missing required argument; The argument "reason" is required for class "human"
    when  = response.status == 403
    class = "human"
  }
  error "odd" {
    when  = response.status == 1
    class = "odd" # ERROR: must be one of
  }
  error "on" {
    on    = ["logn"] # ERROR: may have only
    when  = response.status == 2
    class = "config"
  }
  error "about" {
    when      = response.status == 3
    class     = "config"
    attribute = "usser" # ERROR: Unknown attribute; There is no attribute block for "usser". Did you mean "user"?
  }
  error "words" {
    when    = responses.logn.status == 5 # ERROR: Unsupported attribute; No earlier request of this operation has the label "logn"
    class   = "config"
    summary = "refused: ${response.text}" # ERROR: References not allowed; This must be a constant
  }
  error "always" {
    when  = true
    class = "server"
  }
  error "never" { # ERROR: Unreachable error block
    when  = response.status == 4
    class = "config"
  }

  output "expires_at" { # ERROR: Reserved output
    type = string
  }
  output "count" {
    type = number # ERROR: Declare the output as string
  }
  output "list" { # ERROR: Invalid sensitive output
    type = list(string)
  }
}

account "nobody" "x" {} # ERROR: Unknown provider
account "acme" "x" {
  anything = "is not looked at, since the upstream has mistakes"
}

upstream "static_removed" {
  base_url  = "https://api.acme.example"
  revoke_on = ["removed"] # ERROR: may be in use elsewhere
  attribute "token" { type = string }
  attribute "revoke_on" { # ERROR: Reserved attribute
    type = string
  }
  static { access_token = self.token }
  verify { by = "answer" }
  revoke {
    request {
      path   = "/logout"
      bearer = token.access_token
    }
  }
}
