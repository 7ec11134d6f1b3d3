credsync {
  project  = "new"
  formerly = ["a b"] # ERROR: "a b" is not a valid project name
}

account "bank" "a" {
  username = "u"
  password = "p"
}

account "bank" "b" {
  username = "v"
  password = "p"
}

moved {
  from = account.bank.b # ERROR: account.bank.b is declared at testdata/errors/moved.hcl:11,1
  to   = account.bank.a
}

moved {
  from = account.bank.old
  to   = account.bank.old # ERROR: Account moved to itself
}

moved { # ERROR: The argument "to" is required in the moved block
  from = account.bank.x
}

import {
  to           = account.bank.a
  access_token = "t"
  expires_at   = "tomorrow"           # ERROR: must be an RFC 3339 time
  outputs      = { grop_id = "group" } # ERROR: Did you mean "group_id"?
}
