sink "vault" "main" {
  address = "https://vault.internal"
}

variable "secret" {
  default   = "hunter2"
  sensitive = true
}

account "bank" "a" {
  username = "u"
  password = "p"

  deliver "vault" "mian" { # ERROR: No sink "vault" "mian" is declared. Did you mean "vault.main"? The declared ones are file.out, vault.main.
    path = "a"
  }

  deliver "vault" "main" {
    path = token.group_id # ERROR: A target's location must be known before there is a token
  }

  deliver "vault" "main" {
    path = var.secret # ERROR: Sensitive value not allowed here
  }

  deliver "vault" "main" {
    path = "/absolute" # the block is the place of this one
    data = {
      X = token.acces_token # ERROR: The token of provider "bank" has no output "acces_token". Did you mean "access_token"?
    }
  }

  deliver "vault" "main" { # ERROR: path: "/absolute" must not begin with a slash
    path = "/absolute"
  }

  deliver "vault" "main" {
    path = "b"
    data = token.access_token # ERROR: must be an object or a map
  }

  deliver "vault" "main" {
    path = "c"
    data = { "" = token.access_token } # ERROR: A key of data is empty
  }

  deliver "vault" "main" {
    path = "d"
    data = {} # ERROR: nothing to write
  }

  deliver "vault" "main" {
    path = "f"
    data = { GOOD = "x", "A KEY" = token.access_token } # ERROR: "A KEY" has a space.
  }

  deliver "vault" "main" {
    path = "e"
    data = { X = token.customers[0].nme } # ERROR: does not have an attribute named "nme"
  }

  deliver "k8s" "x" { # ERROR: There is no sink type "k8s".
  }

  dynamic "http" { # ERROR: A dynamic block can generate only deliver blocks
    for_each = []
    content {}
  }

  dynamic "deliver" {
    for_each = toset(["x"])
    labels   = ["vault"] # ERROR: A deliver block has two labels
    content {
      path = "x"
    }
  }
}

sink "file" "out" {
}

locals {
  hidden = "hunter2 in a local"
}

account "bank" "keys" {
  username = "u"
  password = local.hidden

  deliver "file" "out" {
    path = "k1"
    data = { "two words" = 1 } # ERROR: "two words" has a space.
  }

  deliver "file" "out" {
    path = "k2"
    data = { "left out" = null, X = token.access_token }
  }

  deliver "file" "out" {
    path = "k3"
    data = { (token.access_token) = 1 } # ERROR: The keys of data are shown
  }

  deliver "file" "out" {
    path = "k4"
    data = { for k in ["${var.secret} x"] : k => 1 } # ERROR: The keys are not shown, because they may be secret.
  }

  deliver "file" "out" {
    path = "k5"
    data = { (local.hidden) = 1 } # ERROR: The keys are not shown, because they may be secret.
  }
}

account "bank" "computedkeys" {
  username = "u"
  password = "p"
  deliver "vault" "main" {
    path = "k1"
    data = { for k, v in { A = token.access_token } : v => k } # ERROR: The set of keys in data depends on a secret of the token
  }
  deliver "vault" "main" {
    path = "k2"
    data = zipmap([token.access_token], ["x"]) # ERROR: The set of keys in data depends on a secret of the token
  }
  deliver "vault" "main" {
    path = "k3"
    data = jsondecode("{\"${token.access_token}\":1}") # ERROR: The set of keys in data depends on a secret of the token
  }
  deliver "vault" "main" {
    path = "k4"
    data = { for k, v in { A = token.access_token } : k => v if v != "" } # ERROR: The set of keys in data depends on a secret of the token
  }
  deliver "vault" "main" {
    path = "k5"
    data = { for k, v in { A = token.access_token } : k => v if nonsensitive(v != "") }
  }
  deliver "vault" "main" {
    path = "k6"
    data = { for k, v in token : upper(k) => v }
  }
  deliver "vault" "main" {
    path = "k7"
    data = { for b in token.branches : "B_${b}" => token.access_token }
  }
  deliver "vault" "main" {
    path = "k8"
    data = merge({ (token.group_id) = "x" }, { A = token.access_token })
  }
}
