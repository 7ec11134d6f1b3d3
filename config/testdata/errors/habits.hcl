terraform { # ERROR: Settings of the configuration are in a credsync block
}

provider "bank" { # ERROR: The provider is the first label of an account block
}

resource "bank" "a" { # ERROR: Accounts are declared by account blocks
}

output "token" { # ERROR: written to targets by deliver blocks
}

module "shop" { # ERROR: All files of a directory are one configuration
}

account "bank" "a" {
  username   = "u"
  password   = var.nowhere # ERROR: Declare it with a block: variable "nowhere" {}
  count      = 2           # ERROR: Several of a block are made by for_each
  depends_on = []          # ERROR: The order follows from what refers to what
  provider   = "bank"      # ERROR: The provider is the first label
  lifecycle {              # ERROR: is said by on_remove
  }
}

locals {
  index = count.index # ERROR: There is nothing named "count" here. Expressions can refer to
}
