using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>Questions to whoever sits at the terminal.</summary>
public static class Prompt
{
    /// <summary>Whether somebody can see a question and answer it.</summary>
    public static bool IsPossible => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Asks, and reads a line; null at the end of the input.</summary>
    public static async Task<string?> Line(ParseResult parsed, string question, CancellationToken cancellation)
    {
        parsed.Ask(question);
        try
        {
            // Not Console.In: that changes the mode of the terminal.
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
