// .NET's HttpClient, here as Mono ships it: client URL FILE FILE

using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;

public static class Client
{
    public static void Main(string[] arguments)
    {
        var form = new MultipartFormDataContent();
        form.Add(new StringContent("demopublickey"), "UPLOADCARE_PUB_KEY");
        form.Add(new StringContent("0"), "UPLOADCARE_STORE");
        form.Add(new StringContent("Grüße"), "metadata[note]");
        var first = new ByteArrayContent(File.ReadAllBytes(arguments[1]));
        first.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        // It takes no name with quotes.
        form.Add(first, "file", Path.GetFileName(arguments[1]).Replace("\"", ""));
        form.Add(new ByteArrayContent(File.ReadAllBytes(arguments[2])), "second", Path.GetFileName(arguments[2]));
        new HttpClient().PostAsync(arguments[0], form).Wait();
    }
}
