# LWP: client.pl URL FILE FILE

use strict;
use warnings;
use HTTP::Request::Common;
use LWP::UserAgent;

my ($url, $first, $second) = @ARGV;
my @fields = (UPLOADCARE_PUB_KEY => 'demopublickey', UPLOADCARE_STORE => '0', 'metadata[note]' => 'Grüße');
my $request = POST $url, Content_Type => 'form-data', Content => [@fields, file => [$first], second => [$second]];
LWP::UserAgent->new->request($request);
