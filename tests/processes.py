"""What the scripts that drive the built programs have in common."""
import signal
import subprocess


def stop(process):
    """Asks a process to end, and ends it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
