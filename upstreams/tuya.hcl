upstream "tuya" {
  language = 1
  doc      = "A cloud project of the Tuya IoT Development Platform. The access secret of the project is never sent: it signs each request by HMAC-SHA256. Set `base_url` to the data center of the project, such as `https://openapi.tuyaeu.com`."
  source   = "https://developer.tuya.com/en/docs/iot/new-singnature?id=Kbw0q34cs2e5g, https://developer.tuya.com/en/docs/cubeprivate-cloud/6c1636a9bd?id=Kdr7o5ff1djct and https://developer.tuya.com/en/docs/iot/open-api/api-reference/error-code?id=K989ruxx88swc"

  attribute "client_id" {
    type = string
    doc  = "The Access ID of the cloud project."
  }
  attribute "secret" {
    type      = string
    sensitive = true
    doc       = "The Access Secret of the cloud project."
  }

  locals {
    # In milliseconds. Tuya refuses a request whose time is off by more than five minutes.
    time  = tostring(unixtime() * 1000)
    nonce = uuid()

    # What is signed is the client, the time, the nonce and the request: its method, the
    # digest of its body, the headers that are signed too, and its path. There is neither
    # a body nor such a header here.
    signed  = "${self.client_id}${local.time}${local.nonce}GET\n${sha256("")}\n\n"
    headers = { client_id = self.client_id, t = local.time, nonce = local.nonce, sign_method = "HMAC-SHA256" }

    # Refusals come with status 200, and with their code in the body.
    code = try(tonumber(response.body.code), 0)
  }

  response {
    success = response.status == 200 && response.body.success
  }

  # Tuya refreshes a token by a request whose path has the refresh token in it, where
  # proxies and servers log it. A login needs no person and sends no secret, so it
  # replaces the token instead.
  login {
    request {
      path   = "/v1.0/token"
      query  = { grant_type = "1" }
      header = merge(local.headers, { sign = upper(hmacsha256("${local.signed}/v1.0/token?grant_type=1", self.secret)) })
    }
    access_token = response.body.result.access_token
    expires_in   = response.body.result.expire_time
    lifetime     = "2h"
    outputs = {
      uid = response.body.result.uid
    }
  }

  # Which requests a token may make depends on the services that the project subscribes
  # to. There is none that each may make.
  verify { by = "answer" }

  error "credentials" {
    on      = ["login"]
    when    = contains([1001, 1004, 1005], local.code)
    class   = "credentials"
    message = response.body.msg
    advice  = "Check client_id and secret on the page of the cloud project, and whether base_url is the data center of the project."
  }
  error "clock" {
    when    = local.code == 1013
    class   = "config"
    message = response.body.msg
    advice  = "Set the clock of this machine."
  }
  error "no_access" {
    when    = local.code == 1106
    class   = "human"
    reason  = "no_access"
    message = response.body.msg
    advice  = "Check which services the cloud project is subscribed to, and whether its subscription has ended."
  }
  error "busy" {
    when    = contains([500, 1110, 1111, 1199], local.code)
    class   = "retryable"
    message = response.body.msg
  }

  output "uid" {
    type      = string
    sensitive = false
    doc       = "The ID of the Tuya user that the token is for."
  }
}
