import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import software.amazon.event.ruler.Machine;

/**
 * Prints for each event the numbers of the patterns that match it, on a line of its own.
 *
 * java -cp … Match.java PATTERNS EVENTS: two files with a JSON object on each line
 */
class Match {
    @SuppressWarnings("deprecation")
    public static void main(String[] args) throws Exception {
        Machine machine = new Machine(); // its builder is not open to others
        List<String> patterns = Files.readAllLines(Path.of(args[0]));
        for (int i = 0; i < patterns.size(); i++) {
            machine.addRule(Integer.toString(i), patterns.get(i));
        }
        for (String event : Files.readAllLines(Path.of(args[1]))) {
            System.out.println(machine.rulesForJSONEvent(event).stream().collect(Collectors.joining(" ")));
        }
    }
}
