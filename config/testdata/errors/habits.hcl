terraform { # ERROR: Use a credsync block for settings of the configuration
}

provider "bank" { # ERROR: The provider is the first label of an account block
}

resource "bank" "a" { # ERROR: Use account blocks to declare accounts
}

output "token" { # ERROR: Use deliver blocks to write the outputs
}

module "shop" { # ERROR: All files of a directory are one configuration
}

account "bank" "a" {
  username   = "u"
  password   = var.nowhere # ERROR: Declare it with a block: variable "nowhere" {}
  count      = 2           # ERROR: Use for_each for several instances of a block
  depends_on = []          # ERROR: The order follows from the references
  provider   = "bank"      # ERROR: The provider is the first label
  lifecycle {              # ERROR: Use on_remove to say what happens to the targets
  }
}

locals {
  index = count.index # ERROR: There is nothing named "count" here. Expressions can refer to
}
