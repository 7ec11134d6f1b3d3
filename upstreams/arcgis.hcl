upstream "arcgis" {
  language = 1
  doc      = "A named user of ArcGIS Online or of a portal of ArcGIS Enterprise. The user's name and password are exchanged for a token that is bound to a referer. The answer gives its end in milliseconds."
  source   = "https://developers.arcgis.com/rest/users-groups-and-items/generate-token"
  base_url = "https://www.arcgis.com/sharing/rest"

  attribute "username" {
    type = string
    doc  = "The name of the user. Upper and lower case matter."
  }
  attribute "password" {
    type      = string
    sensitive = true
    doc       = "The password of the user."
  }
  attribute "referer" {
    type    = string
    default = "https://www.arcgis.com"
    doc     = "The URL that the token is bound to. Programs that use the token must send it as their `Referer` header."
  }
  attribute "minutes" {
    type    = number
    default = 120
    doc     = "How many minutes the token should live. The server may allow less."

    validation {
      condition     = self.minutes >= 1 && self.minutes == floor(self.minutes)
      error_message = "The number of minutes must be a whole number, at least 1."
    }
  }

  locals {
    # Errors come with status 200, and with their code and message in the body.
    code    = try(response.body.error.code, 0)
    message = try(response.body.error.message, "")
    said    = try(join(" ", concat([response.body.error.message], response.body.error.details)), null)
  }

  login {
    request {
      method = "POST"
      path   = "/generateToken"
      form = {
        username   = self.username
        password   = self.password
        client     = "referer"
        referer    = self.referer
        expiration = self.minutes
        f          = "json"
      }
    }
    success      = response.status == 200 && !can(response.body.error)
    access_token = response.body.token
    expires_at   = response.body.expires
    lifetime     = "${self.minutes}m"
  }

  verify {
    request {
      path   = "/community/self"
      query  = { f = "json" }
      header = { X-Esri-Authorization = "Bearer ${token.access_token}", Referer = self.referer }
    }
    success = response.status == 200 && can(tostring(response.body.username))
    outputs = {
      org_id = try(response.body.orgId, null)
      role   = try(response.body.role, null)
    }
  }

  error "credentials" {
    on      = ["login"]
    when    = local.code == 400 && local.message == "Unable to generate token."
    class   = "credentials"
    message = local.said
    advice  = "Check the username, in which upper and lower case matter, and the password. A user who logs in through an identity provider or with a second factor has no token of this kind."
  }
  error "token" {
    on      = ["verify"]
    when    = contains([498, 499], local.code)
    class   = "credentials"
    message = local.said
  }
  error "no_access" {
    when    = local.code == 403
    class   = "human"
    reason  = "no_access"
    message = local.said
    advice  = "Ask an administrator of the organization to let the user in."
  }

  output "org_id" {
    type      = string
    sensitive = false
    doc       = "The ID of the user's organization."
  }
  output "role" {
    type      = string
    sensitive = false
    doc       = "The user's role, such as `org_user`."
  }
}
