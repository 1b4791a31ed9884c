// OkHttp, which most Android apps send forms with: OkHttp URL FILE FILE

import java.io.File;
import okhttp3.MediaType;
import okhttp3.MultipartBody;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;

public class OkHttp {
    public static void main(String[] arguments) throws Exception {
        File first = new File(arguments[1]);
        File second = new File(arguments[2]);
        MediaType text = MediaType.parse("text/plain");
        MultipartBody form = new MultipartBody.Builder()
            .setType(MultipartBody.FORM)
            .addFormDataPart("UPLOADCARE_PUB_KEY", "demopublickey")
            .addFormDataPart("UPLOADCARE_STORE", "0")
            .addFormDataPart("metadata[note]", "Grüße")
            .addFormDataPart("file", first.getName(), RequestBody.create(text, first))
            .addFormDataPart("second", second.getName(), RequestBody.create(null, second))
            .build();
        new OkHttpClient().newCall(new Request.Builder().url(arguments[0]).post(form).build()).execute().close();
        System.exit(0);
    }
}
