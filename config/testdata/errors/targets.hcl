sink "vault" "main" {
  address = "https://vault.internal"
}

account "bank" "a" {
  username = "u"
  password = "p"
  deliver "vault" "main" {
    path = "one"
  }
  deliver "vault" "main" {
    path  = "two"
    merge = true
    data  = { A = token.access_token }
  }
  deliver "vault" "main" {
    path  = "three"
    merge = true
    data  = { A = token.access_token }
  }
}

account "bank" "b" {
  username = "u"
  password = "p"
  deliver "vault" "main" { # ERROR: account.bank.a and account.bank.b would both write secret/one of sink vault.main: here, and at testdata/errors/targets.hcl:8,3
    path = "one"
  }
  deliver "vault" "main" { # ERROR: would both write the key "A" of secret/two
    path  = "two"
    merge = true
    data  = { A = token.access_token }
  }
  deliver "vault" "main" {
    path  = "three"
    merge = true
    data  = { B = token.access_token }
  }
}

sink "file" "here" {
  dir = "."
}

sink "file" "there" {
  dir = "."
}

account "bank" "files" {
  username = "u"
  password = "p"
  deliver "file" "here" {
    path = "e"
  }
  deliver "file" "there" { # ERROR: would both write e of sink file.there
    path = "e"
  }
  deliver "file" "there" { # ERROR: One target inside another; account.bank.files writes the file e, so e/f/g cannot be a file below it
    path = "e/f/g"
  }
  deliver "file" "here" {
    path = "ea"
  }
  deliver "file" "here" { # ERROR: .credsync/x.json is inside .credsync, where credsync stores its state
    path = ".credsync/x.json"
  }
  deliver "file" "here" { # ERROR: .credsync is inside .credsync
    path = ".credsync"
  }
}
