<?php
// PHP's cURL functions, and Guzzle: clients.php CLIENT URL FILE FILE

[, $client, $url, $first, $second] = $argv;
$fields = ['UPLOADCARE_PUB_KEY' => 'demopublickey', 'UPLOADCARE_STORE' => '0', 'metadata[note]' => 'Grüße'];

if ($client === 'curl') {
    $request = curl_init($url);
    // Without a name of its own a file is called by the path that is given here.
    chdir(dirname($first));
    $files = ['file' => new CURLFile(basename($first), 'text/plain'), 'second' => new CURLFile(basename($second))];
    curl_setopt_array($request, [CURLOPT_POSTFIELDS => $fields + $files, CURLOPT_RETURNTRANSFER => true]);
    curl_exec($request);
} else {
    require 'GuzzleHttp/autoload.php';
    $parts = [];
    foreach ($fields as $name => $contents) {
        $parts[] = compact('name', 'contents');
    }
    $parts[] = ['name' => 'file', 'contents' => fopen($first, 'r')];
    $parts[] = ['name' => 'second', 'contents' => fopen($second, 'r')];
    (new GuzzleHttp\Client())->post($url, ['multipart' => $parts]);
}
