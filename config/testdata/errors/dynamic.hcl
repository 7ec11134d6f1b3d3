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

  dynamic "deliver" { # ERROR: A dynamic block must have exactly one content block
    for_each = ["x"]
    labels   = ["vault", "main"]
  }

  dynamic "deliver" { # ERROR: A dynamic block must have exactly one content block
    for_each = ["x"]
    labels   = ["vault", "main"]
    content {
      path = "1"
    }
    content {
      path = "2"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = ["vault", "main"]
    iterator = "x" # ERROR: The iterator must be a plain name that is not reserved
    content {
      path = "3"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = ["vault", "main"]
    iterator = each # ERROR: The iterator must be a plain name that is not reserved
    content {
      path = "4"
    }
  }

  dynamic "deliver" {
    for_each = [var.secret]
    labels   = ["vault", "main"]
    content {
      path = "5-${deliver.value}" # ERROR: Sensitive value not allowed here
    }
  }

  dynamic "deliver" {
    for_each = toset([var.secret]) # ERROR: for_each cannot take a sensitive value: the number of blocks and their labels are shown.
    labels   = ["vault", "main"]
    content {
      path = "6"
    }
  }

  dynamic "deliver" {
    for_each = null # ERROR: The value of for_each is null. It must be a list, a set or a map.
    labels   = ["vault", "main"]
    content {
      path = "7"
    }
  }

  dynamic "deliver" {
    for_each = "x" # ERROR: The value of for_each is a string. It must be a list, a set or a map.
    labels   = ["vault", "main"]
    content {
      path = "8"
    }
  }

  dynamic "deliver" {
    for_each = local.missing # ERROR: No local value named "missing" is declared.
    labels   = ["vault", "main"]
    content {
      path = "9"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = ["vault", var.secret] # ERROR: A label names a sink and is shown in plans and logs
    content {
      path = "10"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = [null, "main"] # ERROR: A label must be a known string: the type or the name of a sink.
    content {
      path = "11"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = ["vault", ["main"]] # ERROR: A label must be a known string: the type or the name of a sink.
    content {
      path = "12"
    }
  }

  dynamic "deliver" {
    for_each = ["x"]
    labels   = ["vault", local.missing] # ERROR: No local value named "missing" is declared.
    content {
      path = "13"
    }
  }

  dynamic "deliver" {
    for_each = { a = "main" }
    labels   = ["vault", it.value]
    iterator = it
    content {
      path = "14-${it.key}"
      data = { KEY = it.valeu } # ERROR: valeu
    }
  }
}
