upstream "acme" {
  base_url = "https://api.acme.example"
  hosts    = ["*.login.example"]

  attribute "id" { type = string }
  attribute "password" {
    type      = string
    sensitive = true
  }
  attribute "region" {
    type    = string
    default = "eu"
  }

  login {
    request "nowhere" {} # ERROR: Missing address
    request "both" { # ERROR: More than one body
      method = "POST"
      path   = "/a"
      json   = {}
      form   = {}
    }
    request "secret" {
      path  = "/a/${self.password}" # ERROR: Sensitive value in a path
      query = { password = self.password } # ERROR: Sensitive value in a URL; Proxies and servers log URLs.
    }
    request "secret" { # ERROR: Duplicate label
      method      = "POST"
      path        = "/a/{id}/{other}" # ERROR: Missing path parameter; The path has {other}
      path_params = { id = self.id }
      json        = {}
    }
    request "fifth" { # ERROR: Too many request blocks
      url = "https://elsewhere.example/login" # ERROR: Undeclared host; Secrets go to elsewhere.example
    }
    access_token  = response.body.token
    never_expires = true # ERROR: Contradictory arguments; Only one of
    expires_in    = response.body.in
  }

  verify {
    request {
      url    = "https://eu.login.example/me"
      bearer = token.access_token
      header = { (token.access_token) = "x" } # ERROR: The name of a header must not be sensitive
    }
    precondition {
      condition     = self.region == "eu"
      error_message = "not with ${self.password}" # ERROR: Sensitive value not allowed here
      class         = "config"
    }
  }
}
