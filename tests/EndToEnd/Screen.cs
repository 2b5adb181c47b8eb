namespace CertAuthority.Tests.EndToEnd;

/// <summary>A shell on a terminal that tmux emulates: what a person sees there, after everything that was written over and erased.</summary>
internal sealed class Screen : IAsyncDisposable
{
    private readonly Person person;
    private readonly string socket;

    private Screen(Person person, string socket) => (this.person, this.socket) = (person, socket);

    /// <param name="person">Who sits there.</param>
    /// <param name="socket">A file for tmux's own socket.</param>
    /// <param name="columns">How wide it is.</param>
    public static async Task<Screen> Start(Person person, string socket, int columns)
    {
        var screen = new Screen(person with { Environment = [("SHELL", "/bin/bash"), ("LC_ALL", "C.UTF-8"), .. person.Environment] }, socket);
        await screen.Tmux("-f", "/dev/null", "new-session", "-d", "-x", $"{columns}", "-y", "24", "env PS1='$ ' HISTFILE= bash --norc --noprofile");
        await screen.Shows("$");
        return screen;
    }

    public Task Types(string line) => Press(line, "Enter");

    /// <summary>Keys as tmux names them, or text.</summary>
    public Task Press(params string[] keys) => Tmux(["send-keys", .. keys]);

    /// <summary>The lines that are not empty, without blanks at their end.</summary>
    public async Task<string[]> Lines() => [.. (await Whole()).Where(line => line.Length > 0)];

    /// <summary>All lines, without blanks at their end.</summary>
    public async Task<string[]> Whole() => (await Tmux("capture-pane", "-p")).Split('\n');

    /// <summary>Waits until a line of the screen is as it should be.</summary>
    public Task Shows(Predicate<string> line, string what) => Eventually.Holds(async () => Array.Exists(await Lines(), line), $"{what} on the screen");

    public Task Shows(string start) => Shows(line => line.StartsWith(start, StringComparison.Ordinal), start);

    /// <summary>Waits until the shell asks for the next command, in the last line.</summary>
    public Task IsBack() => Eventually.Holds(async () => (await Lines()) is [.., "$"], "the shell's next question");

    public async ValueTask DisposeAsync() => await person.Types("tmux", "-S", socket, "kill-server");

    private async Task<string> Tmux(params string[] command) => (await person.Types(["tmux", "-S", socket, .. command])).Done();
}
