acount "bank" "a" { # ERROR: Did you mean "account"?
  password = "x"
}

account "bnak" "a" { # ERROR: There is no provider "bnak". Did you mean "bank"? The providers are "apikey", "bank", "http", "plain", "static".
}

sink "valt" "main" { # ERROR: There is no sink type "valt". Did you mean "vault"?
}

account "bank" { # ERROR: Missing name for account
}

account "bank" "two words" { # ERROR: Invalid name
}

account "bank" "b" { # ERROR: The argument "password" is required
  username = "u"
  pasword  = "p" # ERROR: Did you mean "password"?
  htttp {        # ERROR: Did you mean "http"?
    timeout = "1s"
  }
}

account "bank" "c" { # ERROR: The argument "password" is required in account "bank" "c"
  username = ["u"]   # ERROR: Inappropriate value for the argument "username": string required
  padding  = "oaep_sha" # ERROR: must be one of "pkcs1v15", "oaep_sha1". Did you mean "oaep_sha1"?
  http {
    timeout      = "1 hour" # ERROR: is not a duration
    max_attempts = 99       # ERROR: must be a whole number from 1 to 10
    requests_per_second = 0 # ERROR: must be a number above 0
    ca_pem = "nothing"      # ERROR: must be certificates in PEM
  }
}

account "bank" "d" {
  username = "u"
  password = "p"
  on_remove     = "destroy" # ERROR: must be one of "retain", "delete"
  rotate_before = "120%"    # ERROR: is not a share of the lifetime
  verify_every  = "-1h"     # ERROR: is not a duration
  http {
  }
  http { # ERROR: Too many http blocks
  }
}

account "bank" "d" { # ERROR: account.bank.d was already declared at testdata/errors/blocks.hcl:36,1
}

account "bank" "e" { # ERROR: sends its own header Authorization
  username = "u"
  password = "p"
  http {
    headers = { authorization = "Basic x" }
  }
}

account "bank" "f" {
  username = "u"
  password = "p"
  http {
    headers = { X-Branch = "almaty" }
  }
}
