using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>Asks questions at the terminal.</summary>
public static class Prompt
{
    /// <summary>Whether a person can see a question and answer it.</summary>
    public static bool IsPossible => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Prints a question, and reads a line; null at the end of the input.</summary>
    public static async Task<string?> Line(ParseResult parsed, string question, CancellationToken cancellation)
    {
        parsed.Ask(question);
        try
        {
            // Console.In is not used because it changes the mode of the terminal.
            using var input = new StreamReader(Console.OpenStandardInput());
            var line = await Task.Run(input.ReadLine, cancellation).WaitAsync(cancellation);
            if (line is null)
                parsed.EndLine();
            return line?.Trim();
        }
        catch (OperationCanceledException)
        {
            parsed.EndLine();
            throw;
        }
    }
}
