"""Work on many images, shared out to threads."""

from concurrent.futures import ThreadPoolExecutor

from cpc_keras.backend.resources import processors


def map_in_pieces(function, count, piece):
    """Calls a function in threads, each of which takes several whole numbers in a row.

    To hand a thread something to do takes as long as to decode a small image.

    Args:
        function: Function of a whole number.
        count: Its arguments are those from 0 on, this one excluded.
        piece: How many a thread takes.

    Yields:
        Results, in order.

    Example:

    >>> list(map_in_pieces(lambda number: number**2, count=5, piece=2))
    [0, 1, 4, 9, 16]
    """

    def results(first):
        return [function(number) for number in range(first, min(first + piece, count))]

    with ThreadPoolExecutor(max(2, processors())) as pool:
        for several in pool.map(results, range(0, count, piece)):
            yield from several
