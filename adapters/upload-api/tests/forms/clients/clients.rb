# Ruby's own HTTP library, and the one below the official client 5: clients.rb CLIENT URL FILE FILE

client, url, first, second = ARGV
fields = { 'UPLOADCARE_PUB_KEY' => 'demopublickey', 'UPLOADCARE_STORE' => '0', 'metadata[note]' => 'Grüße' }

if client == 'net'
  require 'net/http'
  request = Net::HTTP::Post.new(URI(url))
  files = [['file', File.open(first), { content_type: 'text/plain' }], ['second', File.open(second)]]
  request.set_form(fields.to_a + files, 'multipart/form-data')
  Net::HTTP.start(request.uri.host, request.uri.port) { |http| http.request(request) }
else
  require 'faraday'
  require 'faraday/multipart'
  # The client sets its connection up like this, and calls the field of each file as the file is called.
  connection = Faraday.new(url: url) do |conn|
    conn.request :multipart
    conn.request :url_encoded
    conn.adapter :net_http
  end
  files = [[first, 'text/plain'], [second, 'application/octet-stream']].map do |path, type|
    [File.basename(path), Faraday::Multipart::FilePart.new(path, type, File.basename(path))]
  end
  connection.post(url) { |request| request.body = fields.merge(files.to_h) }
end
