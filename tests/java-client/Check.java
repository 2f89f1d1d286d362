import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** What a case expects. */
final class Check {
    static final Duration PATIENCE = Duration.ofSeconds(120);

    private Check() {}

    static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected: " + expected + "\nactual: " + actual);
        }
    }

    /** Waits until the condition holds; it is asked again and again, and may take its time to answer. */
    static void eventually(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not in time: " + what);
            }
        }
    }

    /** Runs what has to fail in this way, also within the future that it waits for. */
    static void refused(Class<? extends Exception> expected, Callable<?> action) throws Exception {
        try {
            action.call();
        } catch (Exception failure) {
            var cause = failure instanceof ExecutionException ? failure.getCause() : failure;
            if (expected.isInstance(cause)) {
                return;
            }
            throw failure;
        }
        throw new AssertionError("not refused with " + expected.getSimpleName());
    }
}
