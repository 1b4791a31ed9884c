// Apache HttpClient 4, in one of its modes: Apache MODE URL FILE FILE

import java.io.File;
import java.nio.charset.StandardCharsets;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.mime.HttpMultipartMode;
import org.apache.http.entity.mime.MultipartEntityBuilder;
import org.apache.http.impl.client.HttpClients;

public class Apache {
    public static void main(String[] arguments) throws Exception {
        ContentType text = ContentType.create("text/plain", StandardCharsets.UTF_8);
        File first = new File(arguments[2]);
        MultipartEntityBuilder form = MultipartEntityBuilder.create()
            .setMode(HttpMultipartMode.valueOf(arguments[0]))
            .setCharset(StandardCharsets.UTF_8)
            .addTextBody("UPLOADCARE_PUB_KEY", "demopublickey")
            .addTextBody("UPLOADCARE_STORE", "0")
            .addTextBody("metadata[note]", "Grüße", text)
            .addBinaryBody("file", first, ContentType.TEXT_PLAIN, first.getName())
            .addBinaryBody("second", new File(arguments[3]));
        HttpPost post = new HttpPost(arguments[1]);
        post.setEntity(form.build());
        HttpClients.createDefault().execute(post).close();
    }
}
