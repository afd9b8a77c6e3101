import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Properties;

/**
 * Loads many properties files in one JVM, as the daemon loads one: from a byte stream, in Latin-1. One line of standard
 * input is one file, its bytes in hexadecimal; one line of standard output is what Java read: key=value pairs separated by
 * commas, every UTF-16 unit as four hexadecimal digits, or "error" when Java refused the file.
 */
public class LoadProperties {
    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream output = new PrintStream(System.out, false, "US-ASCII");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            output.println(load(line));
        }
        output.flush();
    }

    private static String load(String hex) throws Exception {
        byte[] bytes = new byte[hex.length() / 2];
        for (int index = 0; index < bytes.length; index++) {
            bytes[index] = (byte) Integer.parseInt(hex.substring(2 * index, 2 * index + 2), 16);
        }
        Properties properties = new Properties();
        try {
            properties.load(new ByteArrayInputStream(bytes));
        } catch (IllegalArgumentException malformed) {
            return "error";
        }
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Object, Object> entry : properties.entrySet()) {
            text.append(text.length() == 0 ? "" : ",");
            text.append(encode((String) entry.getKey())).append('=').append(encode((String) entry.getValue()));
        }
        return text.toString();
    }

    private static String encode(String value) {
        StringBuilder text = new StringBuilder();
        for (char unit : value.toCharArray()) {
            text.append(String.format("%04x", (int) unit));
        }
        return text.toString();
    }
}
