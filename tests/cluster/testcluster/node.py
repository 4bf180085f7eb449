from .state import Failure
def prepare(cluster): raise Failure("not there yet")
start = wait = down = clean = load_image = prepare
