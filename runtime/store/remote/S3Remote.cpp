// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// S3 and what speaks it, path style:
//
//   s3://bucket?region=eu-west-1 https://s3.eu-west-1.amazonaws.com/bucket
//   s3+https://host:port/bucket         any other server
//   s3+http://host:port/bucket
//
// libcurl signs (SigV4). It signs a path and a query as they are sent, so both
// are sent in the canonical spelling; the hash of the body is given to it,
// since releases differ in whether they send one.
#include "runtime/Printable.h"
#include "runtime/store/remote/Url.h"
#include "runtime/store/remote/WebNames.h"
#include "runtime/store/remote/WebServer.h"
#include "runtime/store/remote/XmlText.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

using namespace attn_jit;
using namespace attn_jit::store;
using rt::Result;

static std::string fromEnvironment(const char *name) {
  const char *value = secure_getenv(name);
  return value ? value : "";
}

static std::string textAt(const std::vector<XmlText> &texts,
                          std::string_view path) {
  for (const XmlText &one : texts)
    if (one.path == path)
      return one.text;
  return {};
}

/// "NoSuchKey"; empty: the reply holds none. No more of it is shown, as errors
/// repeat parts of the request.
static std::string errorCode(const WebReply &reply) {
  const auto texts = readXml(reply.body);
  const std::string code = texts ? textAt(*texts, "Error/Code") : "";
  const bool word = code.size() < 64 && std::all_of(
                                            code.begin(), code.end(),
                                            [](char c) {
                                              return (c >= 'a' && c <= 'z') ||
                                                     (c >= 'A' && c <= 'Z');
                                            });
  return word ? code : "";
}

namespace {

/// A page of a listing: keys below a prefix, and folders in it.
struct Page {
  std::vector<Listing::Item> items;
  std::string next; ///< the token of the next page; empty: it is the last one
};

class S3Server final : public WebServer {
public:
  S3Server(Transfer transfer, std::string url, std::string bucket,
           const std::string &prefix, std::string token)
      : WebServer(std::move(url), prefix), transfer(std::move(transfer)),
        bucket(std::move(bucket)), token(std::move(token)) {}

  Result<WebReply> ask(Verb verb, const std::string &name,
                       std::string_view body, Deadline deadline) override {
    ATTN_TRY(WebReply reply,
             send(verb, "/" + percentEncoded(name, true), body, deadline));
    // A key that is absent is a miss, a bucket that is absent is an error.
    if (verb == Verb::Get && reply.status == 404 &&
        errorCode(reply) == "NoSuchBucket")
      return rt::failed("remote " + shown + ": GET: it " + reason(reply));
    return reply;
  }

  Result<Listing> list(const std::string &folder, Deadline deadline) override {
    Listing listing;
    std::string last;
    for (bool more = true; more;) {
      // Names in the order of their bytes, as they are signed.
      const std::string query =
          (last.empty()
               ? ""
               : "continuation-token=" + percentEncoded(last, false) + "&") +
          "delimiter=%2F&list-type=2&prefix=" + percentEncoded(folder, false);
      ATTN_TRY(const WebReply reply,
               send(Verb::Get, "?" + query, {}, deadline));
      if (reply.status != 200)
        return rt::failed("remote " + shown + ": GET of a list: it " +
                          reason(reply));
      auto page = parsePage(reply.body, folder);
      // The same token again would go on for ever.
      if (!page || (!page->next.empty() && page->next == last))
        return rt::badInput("remote " + shown +
                            ": GET of a list: no ListBucketResult");
      std::move(page->items.begin(), page->items.end(),
                std::back_inserter(listing.items));
      if (listing.items.size() > mostItems)
        return rt::badInput("remote " + shown + ": GET of a list: more than " +
                            std::to_string(mostItems) + " names");
      last = page->next;
      more = !last.empty();
    }
    return listing;
  }

  std::string reason(const WebReply &reply) const override {
    const std::string code = errorCode(reply);
    return WebServer::reason(reply) + (code.empty() ? "" : " (" + code + ")");
  }

private:
  static constexpr size_t mostItems = 2'000'000;
  static constexpr size_t mostPage = 8 << 20;

  Result<WebReply> send(Verb verb, const std::string &tail,
                        std::string_view body, Deadline deadline) {
    WebRequest request{
        .verb = verb, .url = bucket + tail, .headers = {}, .body = body};
    request.headers.push_back("x-amz-content-sha256: " + sha256(body).hex());
    if (!token.empty())
      request.headers.push_back("x-amz-security-token: " + token);
    if (tail.starts_with('?'))
      request.mostBytes = mostPage;
    return transfer.perform(request, deadline);
  }

  static std::optional<Page> parsePage(std::string_view xml,
                                       const std::string &folder) {
    const auto texts = readXml(xml);
    if (!texts || texts->empty() || texts->back().path != "ListBucketResult")
      return std::nullopt;
    Page page;
    Listing::Item item;
    for (const auto &[path, text] : *texts) {
      if (path == "ListBucketResult/Contents/Key" ||
          path == "ListBucketResult/CommonPrefixes/Prefix") {
        if (!text.starts_with(folder))
          return std::nullopt;
        item.name = text.substr(folder.size());
      } else if (path == "ListBucketResult/Contents/Size") {
        const char *end = text.data() + text.size();
        const auto [stop, error] =
            std::from_chars(text.data(), end, item.bytes);
        if (error != std::errc() || stop != end || item.bytes < 0)
          return std::nullopt;
      } else if (path == "ListBucketResult/Contents" ||
                 path == "ListBucketResult/CommonPrefixes") {
        item.folder = item.name.ends_with('/');
        if (item.folder)
          item.name.pop_back();
        page.items.push_back(std::exchange(item, {}));
      }
    }
    if (textAt(*texts, "ListBucketResult/IsTruncated") == "true") {
      page.next = textAt(*texts, "ListBucketResult/NextContinuationToken");
      if (page.next.empty())
        return std::nullopt;
    }
    return page;
  }

  Transfer transfer;
  std::string bucket; ///< its URL
  std::string token;  ///< of a session
};

} // namespace

/// S3's rule for buckets, without the part about addresses.
static bool isBucket(std::string_view name) {
  auto isInner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return name.size() >= 3 && name.size() <= 63 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), isInner) &&
         name.find("..") == name.npos;
}

static Result<std::string> regionOf(const Url &url) {
  std::string region;
  if (url.query.starts_with("region="))
    region = url.query.substr(7);
  else if (!url.query.empty())
    return rt::badInput("query: something else given, allowed: region=");
  for (const char *name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (region.empty())
      region = fromEnvironment(name);
  if (region.empty())
    region = "us-east-1";
  if (region.size() > 32 ||
      !std::all_of(region.begin(), region.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      }))
    return rt::badInput("region: " + rt::inQuotes(region) +
                        " given, allowed: lower-case letters, digits and -");
  return region;
}

namespace {
struct Credentials {
  std::string id, secret, token;
};
} // namespace

/// Those of the URL, else those of the environment, never a mixture.
static Result<Credentials> credentialsOf(const Url &url) {
  if (!url.user.empty() && !url.password.empty())
    return Credentials{url.user, url.password, {}};
  if (!url.user.empty() || !url.password.empty())
    return rt::badInput("credentials: one part given, allowed: "
                        "access-key-id:secret-access-key");
  Credentials found{fromEnvironment("AWS_ACCESS_KEY_ID"),
                    fromEnvironment("AWS_SECRET_ACCESS_KEY"),
                    fromEnvironment("AWS_SESSION_TOKEN")};
  if (found.id.empty() || found.secret.empty())
    return rt::badInput("credentials: none given, allowed: AWS_ACCESS_KEY_ID "
                        "and AWS_SECRET_ACCESS_KEY, or "
                        "access-key-id:secret-access-key@ in the URL");
  for (const std::string *text : {&found.id, &found.secret, &found.token})
    if (!std::all_of(text->begin(), text->end(),
                     [](char c) { return c > ' ' && c < 0x7f; }))
      return rt::badInput("credentials: AWS_ACCESS_KEY_ID, "
                          "AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN with a "
                          "blank or a byte that is no ASCII given, allowed: "
                          "printable ASCII");
  return found;
}

static Result<std::unique_ptr<WebServer>> open(const Url &given,
                                               const RemoteOptions &options) {
  Url url = given;
  ATTN_TRY(const std::string region, regionOf(url));
  std::string bucket;
  if (url.scheme == "s3") {
    if (url.port || !url.path.empty())
      return rt::badInput("bucket: a port or a path given, allowed: "
                          "s3://bucket; other servers are s3+https://");
    bucket = std::exchange(url.host, "s3." + region + ".amazonaws.com");
    url.scheme = "https";
  } else if (url.scheme == "s3+http" || url.scheme == "s3+https") {
    url.scheme = url.scheme.substr(3);
    ATTN_TRY(const std::string path, checkedPath(url.path));
    bucket = path.empty() ? path : path.substr(1);
  } else {
    return rt::badInput("scheme: '" + url.scheme +
                        "' given, allowed: s3://, s3+http://, s3+https://");
  }
  if (!isBucket(bucket))
    return rt::badInput("bucket: " + rt::inQuotes(bucket) +
                        " given, allowed: 3 to 63 lower-case letters, digits, "
                        "'.', '_' and '-'");
  ATTN_TRY(const std::string server, serverOf(url));
  ATTN_TRY(Credentials credentials, credentialsOf(url));

  WebAccess access;
  access.user = credentials.id;
  access.password = credentials.secret;
  access.sigv4 = "aws:amz:" + region + ":s3";
  access.takeFrom(options);
  const std::string shown = withoutCredentials(options.url);
  return std::unique_ptr<WebServer>(std::make_unique<S3Server>(
      Transfer(std::move(access), shown), shown, server + "/" + bucket,
      options.prefix, credentials.token));
}

Result<std::unique_ptr<Remote>> store::openS3(const RemoteOptions &options) {
  return openWebRemote(options, open);
}
